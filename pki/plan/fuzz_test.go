package plan

import (
	"reflect"
	"strings"
	"testing"
)

// FuzzParse holds that Parse never panics, that a refusal names a reason and
// stays inside the file, and that a plan that is accepted is written by
// Marshal to a file that is accepted with the same value.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full(f)))
	f.Add([]byte("version: 1\norganization: x\nauthorities: {}\n"))
	f.Add([]byte("a: &a [*a, {<<: *a}]\n"))
	f.Add([]byte("? - a\n: |-\n  b\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("pki.yaml", data)
		if err != nil {
			for _, problem := range asProblems(t, err) {
				if problem.Reason == "" || problem.Line < 0 || problem.Line > strings.Count(string(data), "\n")+strings.Count(string(data), "\r")+1 {
					t.Fatalf("a problem without a reason or outside the file: %+v", problem)
				}
			}
			return
		}
		out, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("again.yaml", out)
		if err != nil {
			t.Fatalf("%s\n%v", out, err)
		}
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("read %+v\nwrote %s\nread %+v", p, out, again)
		}
	})
}
