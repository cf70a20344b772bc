package metrics

import (
	"strings"
	"testing"
)

// FuzzEscape holds that a label's value is one line between quotes, and
// says what it said.
func FuzzEscape(f *testing.F) {
	f.Add("a\\b\"c\nd")
	f.Add("\xff")
	f.Fuzz(func(t *testing.T, s string) {
		inner := escape(s)
		if strings.Contains(inner, "\n") {
			t.Fatalf("%q is two lines", inner)
		}
		var out strings.Builder
		for i := 0; i < len(inner); i++ {
			switch {
			case inner[i] == '"':
				t.Fatalf("%q ends early", inner)
			case inner[i] != '\\':
				out.WriteByte(inner[i])
			default:
				i++
				out.WriteByte(map[byte]byte{'n': '\n', '"': '"', '\\': '\\'}[inner[i]])
			}
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); out.String() != want {
			t.Fatalf("%q says %q", inner, out.String())
		}
	})
}
