package cmdutil

import "testing"

func TestHang_BreaksBetweenWords(t *testing.T) {
	for _, c := range []struct {
		line          string
		width, indent int
		want          string
	}{
		{"short", 10, 2, "short"},
		{"one two three", 8, 2, "one two\n  three"},
		{"    kept  apart  here", 15, 4, "    kept  apart\n    here"},
		{"awordlongerthanthewidth x", 8, 2, "awordlongerthanthewidth\n  x"},
		{"", 8, 2, ""},
	} {
		if got := Hang(c.line, c.width, c.indent); got != c.want {
			t.Errorf("%q at %d: %q, want %q", c.line, c.width, got, c.want)
		}
	}
}

func TestReflow_KeepsWhatIsIndented(t *testing.T) {
	got := reflow("A sentence that is long\nenough to be broken.\n\n    kept   as it is\nand more", 20)
	want := "A sentence that is\nlong enough to be\nbroken.\n\n    kept   as it is\nand more"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
