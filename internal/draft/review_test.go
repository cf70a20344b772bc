package draft

import (
	"slices"
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func TestReview_WhatAColleagueAsks(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	whole := func() *plan.Plan {
		e := plan.Example{
			Organization: "example.com", Name: "Example", Domain: "example.com", NotBefore: now.Truncate(24 * time.Hour), Token: 10000001,
			Holders:   []plan.ExampleHolder{{Name: "first", Token: 20000001}, {Name: "second", Token: 20000002}, {Name: "third", Token: 20000003}},
			Threshold: 2, OIDC: "https://login.example.com", Witnesses: []string{"second"},
		}
		text, err := e.Render()
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Parse("pki.yaml", text)
		if err != nil {
			t.Fatal(err)
		}
		c := p.Ceremonies["founding"]
		c.Operators, c.BinarySHA256 = []string{"first"}, "00"
		p.Ceremonies["founding"] = c
		return p
	}
	held := &ledger.State{Records: map[string]ledger.Record{"00": {Ceremony: "founding"}}}
	for want, c := range map[string]struct {
		change func(*plan.Plan)
		state  *ledger.State
		now    time.Time
	}{
		"":            {change: func(*plan.Plan) {}},
		"no-provider": {change: func(p *plan.Plan) { p.OIDC = nil }},
		"tesseract-kms": {change: func(p *plan.Plan) {
			p.Logs["tesseract"].Generations[0].Key = "arn:aws:kms:eu-west-1:111122223333:key/1"
		}},
		"threshold-of-all":    {change: func(p *plan.Plan) { p.TUF.Targets.Threshold = 3 }},
		"day-unnamed":         {change: func(p *plan.Plan) { c := p.Ceremonies["founding"]; c.Witnesses = nil; p.Ceremonies["founding"] = c }},
		"day-is-past":         {change: func(*plan.Plan) {}, now: now.AddDate(0, 0, 1)},
		" of a ceremony held": {change: func(*plan.Plan) {}, now: now.AddDate(0, 0, 1), state: held},
	} {
		p := whole()
		c.change(p)
		if c.now.IsZero() {
			c.now = now
		}
		var got []string
		for _, f := range Review(p, c.state, c.now) {
			got = append(got, f.ID)
		}
		if want == "" || want[0] == ' ' {
			if len(got) > 0 {
				t.Errorf("%q: %v", want, got)
			}
			continue
		}
		if !slices.Equal(got, []string{want}) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
