package cmdutil

import "testing"

func TestReflow_KeepsWhatIsIndented(t *testing.T) {
	got := reflow("A sentence that is long\nenough to be broken.\n\n    kept   as it is\nand more", 20)
	want := "A sentence that is\nlong enough to be\nbroken.\n\n    kept   as it is\nand more"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
