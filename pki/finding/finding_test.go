package finding

import "testing"

func TestFinding_StringNamesEverything(t *testing.T) {
	f := Finding{ID: "x", Severity: Warning, Place: "path_len", Line: 3, Also: []string{"b"}, Text: "It is so", Repair: "Change it",
		Clients: []Client{{"cosign", Refuses}, {"sigstore-js", Accepts}, {"sigstore-go", Refuses}, {"a", CannotSign}, {"b", CannotSign}}}
	const want = "warning: x: line 3: path_len: It is so. cosign, sigstore-go refuse the file; sigstore-js accepts it in silence; a, b cannot sign by it. Change it. Also at b"
	if got := f.String(); got != want {
		t.Errorf("got %s", got)
	}
	if got := (Finding{ID: "x", Severity: Error, Text: "bad"}).String(); got != "error: x: bad" {
		t.Errorf("got %s", got)
	}
}

func TestSort_GravestFirst(t *testing.T) {
	list := Sort([]Finding{{ID: "a", Severity: Info}, {ID: "b", Severity: Error}, {ID: "c", Severity: Unknown}, {ID: "d", Severity: Error}, {ID: "e", Severity: Warning}})
	var got string
	for _, f := range list {
		got += f.ID
	}
	if got != "bdcea" || Errors(list) != 2 {
		t.Errorf("got %s, %d errors", got, Errors(list))
	}
}
