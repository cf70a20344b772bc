package main

import (
	"io"
	"slices"
	"strings"
)

// table is what became of each identity and each of its neighbours: a row an
// identity, a column a kind of neighbour, in it the check that refused.
type table struct {
	names []string
	cells [][]string
}

// columns are the kinds of neighbours. Fulcio issues no certificate with two
// subjects, so those are left to the gate's own tests.
var columns = []string{"admitted", otherRef, tagForBranch, otherProject, otherIssuer, contradiction, wrongTrigger, newline, otherCase}

func newTable(all []identity) *table {
	t := &table{}
	for _, id := range all {
		t.names = append(t.names, id.name)
		row := slices.Repeat([]string{"-"}, len(columns)) // an identity that has no such neighbour
		t.cells = append(t.cells, row)
	}
	return t
}

func (t *table) admitted(row int, err error) error {
	t.cells[row][0] = "yes"
	if err != nil {
		t.cells[row][0] = "NO"
	}
	return err
}

func (t *table) refused(row int, near neighbour, err error) error {
	cell := &t.cells[row][slices.Index(columns, near.kind)]
	*cell = near.check
	if err != nil {
		*cell = "ADMITTED?"
	}
	return err
}

func (t *table) print(out io.Writer) {
	width := 0
	for _, name := range t.names {
		width = max(width, len(name))
	}
	say(out, "\n%-*s  %s\n", width, "who signs; what refuses its neighbour", strings.Join(pad(columns), " "))
	for i, name := range t.names {
		say(out, "%-*s  %s\n", width, name, strings.Join(pad(t.cells[i]), " "))
	}
	say(out, "-: it has no such neighbour. Fulcio issues no certificate with two subjects: the gate's tests sign such ones.\n\n")
}

func pad(cells []string) []string {
	out := make([]string, 0, len(cells))
	for _, c := range cells {
		out = append(out, c+strings.Repeat(" ", max(0, 19-len(c))))
	}
	return out
}
