package ceremony

import (
	"slices"
	"strconv"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

const scriptTemplate = "report/script.html.tmpl"

// person is a line of the attendance sheet.
type person struct{ Name, Role string }

// scriptPage is what the printed script shows.
type scriptPage struct {
	Organization, Ceremony, Day string
	Token                       uint32
	Sequence                    int
	Rehearsal                   bool
	Exceptions                  []plan.Exception
	People                      []person
	Material                    []Value
	Blanks                      []int // one for each word that is filled in by hand
	HostStep                    int   // where the digests of program and image stand
	Steps                       []Step
	Sheets                      []int
}

// Script writes the page that a ceremony is held from: the steps that Run will
// run for this request, with what each must show, to be printed before the day.
// The request's own words are left blank: who makes the script is not trusted
// for them.
func Script(r *request.Request) ([]byte, error) {
	c := r.Plan.Ceremonies[r.Manifest.Ceremony]
	s := scriptPage{
		Organization: r.Plan.Organization, Ceremony: r.Manifest.Ceremony, Day: c.Day, Token: c.Token, Sequence: r.Manifest.Sequence,
		Rehearsal: r.Plan.Rehearsal != nil, Exceptions: r.Plan.Exceptions, Steps: Steps(r), Sheets: []int{1, 2, 3},
		Material: []Value{
			{Name: "the root's token", Text: strconv.FormatUint(uint64(c.Token), 10)}, {Name: "PIN, first half"}, {Name: "PIN, second half"},
			{Name: "PUK halves"}, {Name: "stick with the image"}, {Name: "stick with request and record"}, {Name: "the machine"},
		},
	}
	for i := range wordsOfRequest {
		s.Blanks = append(s.Blanks, i+1)
	}
	s.HostStep = slices.IndexFunc(s.Steps, func(step Step) bool { return step.Title == titleHost }) + 1
	for _, name := range c.Operators {
		s.People = append(s.People, person{name, "operator"})
	}
	for _, name := range c.Witnesses {
		s.People = append(s.People, person{name, "witness"})
	}
	for _, role := range []string{"administrator", "key holder", "witness", "auditor"} {
		if len(s.People) < 6 {
			s.People = append(s.People, person{"", role})
		}
	}
	return render(scriptTemplate, s)
}
