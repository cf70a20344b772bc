package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki"
)

// digits that YAML would take for a number
const next = "1212121212121212121212121212121212121212121212121212121212121212"

func TestAppendGeneration_KeepsEveryOtherByte(t *testing.T) {
	data := full(t)
	for _, name := range []string{"tsa", "fulcio", "root"} {
		p, err := Parse("full.yaml", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		have := p.Authorities[name].Generations
		g := have[len(have)-1]
		g.Generation++
		if name == "root" { // a root has a name and a token of its own
			g.Ceremony, g.Subject = "", &pki.Subject{Organization: "example.com", CommonName: "Example Root CA 2"}
		}
		in, err := AppendGeneration([]byte(data), name, g)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := string(in.Apply([]byte(data)))
		if strings.Replace(got, in.Text, "", 1) != data {
			t.Errorf("%s: other bytes changed", name)
		}
		again, err := Parse("full.yaml", []byte(got))
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, got)
			continue
		}
		if n := len(again.Authorities[name].Generations); n != len(have)+1 {
			t.Errorf("%s has %d generations", name, n)
		}
	}
}

func TestAppendGeneration_LogWithItsStart(t *testing.T) {
	data := full(t)
	p, err := Parse("full.yaml", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)
	in, err := AppendGeneration([]byte(data), "rekor", Generation{Generation: len(p.Logs["rekor"].Generations) + 1, SPKISHA256: next, Start: &start})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(in.Text, "start: 2031-01-01T00:00:00Z") || !strings.Contains(in.Text, `spki_sha256: "`+next) {
		t.Errorf("the lines are\n%s", in.Text)
	}
}

func TestAppendGeneration_RefusesWhatItCannotEdit(t *testing.T) {
	data := edit(t, full(t), "      - generation: 1\n        ceremony: 2026-first\n  fulcio", "      [{generation: 1, ceremony: 2026-first}]\n  fulcio")
	_, err := AppendGeneration([]byte(data), "root", Generation{Generation: 2, Ceremony: "2026-first"})
	if err == nil || !strings.Contains(err.Error(), "add by hand: generation: 2 ceremony: 2026-first") {
		t.Errorf("got %v", err)
	}
	if _, err := AppendGeneration([]byte(full(t)), "nobody", Generation{Generation: 1}); err == nil {
		t.Error("an unknown name was accepted")
	}
	if _, err := AppendGeneration([]byte(full(t)), "root", Generation{Generation: 7, Ceremony: "2026-first"}); err == nil {
		t.Error("a hole in the generations was accepted")
	}
}

func TestAppendCeremony_KeepsEveryOtherByteAndLineEndings(t *testing.T) {
	c := Ceremony{Day: "2031-01-01", NotBefore: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), Token: 12345678}
	for _, data := range []string{full(t), strings.TrimRight(full(t), "\n"), strings.ReplaceAll(full(t), "\n", "\r\n")} {
		in, err := AppendCeremony([]byte(data), "renewal", c)
		if err != nil {
			t.Error(err)
			continue
		}
		got := string(in.Apply([]byte(data)))
		p, err := Parse("full.yaml", []byte(got))
		if err != nil {
			t.Error(err)
			continue
		}
		last, added := p.Ceremonies["2026-first"], p.Ceremonies["renewal"]
		if added.Token != c.Token || added.BinarySHA256 != last.BinarySHA256 || added.ImageSHA256 != "" || !slices.Equal(added.Operators, last.Operators) || !slices.Equal(added.Witnesses, last.Witnesses) {
			t.Errorf("the ceremony is %+v, after %+v", added, last)
		}
		if len(last.Operators)+len(last.Witnesses) == 0 || !strings.Contains(got, "renewal: # drafted: people and program are those of before; review them") {
			t.Errorf("the ceremony is not marked as drafted:\n%s", got)
		}
		if strings.Contains(data, "\r") && strings.Count(got, "\n") != strings.Count(got, "\r\n") {
			t.Error("line endings are mixed")
		}
	}
	if _, err := AppendCeremony([]byte(full(t)), "2026-first", c); err == nil {
		t.Error("a ceremony that is there was accepted")
	}
}

func TestPinKey_OfAPlannedGeneration(t *testing.T) {
	pin := Pin{ARN: "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-00000000abcd", SPKISHA256: next}
	for _, name := range []string{"tsa", "rekor"} {
		data := []byte(full(t))
		p, err := Parse("full.yaml", data)
		if err != nil {
			t.Fatal(err)
		}
		g := Generation{Generation: len(p.Authorities[name].Generations) + len(p.Logs[name].Generations) + 1}
		if name == "tsa" {
			g.Ceremony = p.Authorities[name].Generations[0].Ceremony
		}
		in, err := AppendGeneration(data, name, g)
		if err != nil {
			t.Fatal(err)
		}
		planned := in.Apply(data)
		if in, err = PinKey(planned, name, g.Generation, pin); err != nil {
			t.Fatal(err)
		}
		got := string(in.Apply(planned))
		if strings.Replace(got, in.Text, "", 1) != string(planned) {
			t.Errorf("%s: other bytes changed", name)
		}
		again, err := Parse("full.yaml", []byte(got))
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, got)
		}
		last := append(again.Authorities[name].Generations, again.Logs[name].Generations...)[g.Generation-1]
		if last.Key != pin.ARN || last.SPKISHA256 != pin.SPKISHA256 || last.Ceremony != g.Ceremony {
			t.Errorf("%s: read again as %+v", name, last)
		}
		if _, err := PinKey([]byte(got), name, g.Generation, pin); err == nil {
			t.Errorf("%s: a second key was written beside the first", name)
		}
		if _, err := PinKey([]byte(got), name, g.Generation+1, pin); err == nil {
			t.Errorf("%s: a generation that is not planned was pinned", name)
		}
	}
}

// The administrator writes where a key is, the second person its pin, and the
// online key is written like any other.
func TestPinKey_InTwoSteps(t *testing.T) {
	pin := Pin{ARN: "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-00000000abcd", SPKISHA256: next}
	for _, name := range []string{"fulcio", "rekor", OnlineKey} {
		text, err := Example{
			Organization: "example.com", Name: "Example", Domain: "example.com", NotBefore: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), Token: 10000001,
			Holders: []ExampleHolder{{Name: "a", Token: 20000001}, {Name: "b", Token: 20000002}, {Name: "c", Token: 20000003}}, Threshold: 2,
		}.Render()
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []Pin{{ARN: pin.ARN}, {SPKISHA256: pin.SPKISHA256}} {
			in, err := PinKey(text, name, 1, step)
			if err != nil {
				t.Fatalf("%s: %+v: %v", name, step, err)
			}
			text = in.Apply(text)
			if _, err := PinKey(text, name, 1, step); err == nil {
				t.Errorf("%s: %+v was written twice", name, step)
			}
		}
		p, err := Parse("pki.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		g := p.TUF.OnlineKey
		switch name {
		case "fulcio":
			g = p.Authorities[name].Generations[0]
		case "rekor":
			g = p.Logs[name].Generations[0]
		}
		if g.Key != pin.ARN || g.SPKISHA256 != pin.SPKISHA256 {
			t.Errorf("%s: read again as %+v", name, g)
		}
	}
}
