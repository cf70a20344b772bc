package plan

import (
	"slices"

	"github.com/linnemanlabs/trustroot/pki/witness"
)

// Witness is somebody who cosigns checkpoints. The public witness network takes
// logs with Ed25519 keys only; these logs have P-256 keys in KMS, so a witness
// is one's own or a partner's.
type Witness struct {
	Key string `yaml:"key" json:"key"` // verifier string of its Ed25519 key, as it prints it: name+hash+key
	URL string `yaml:"url" json:"url"` // where logs ask it
}

func witnesses(r *report, p *Plan) {
	keys := map[string]string{}
	for _, name := range sorted(p.Witnesses) {
		w, path := p.Witnesses[name], join("witnesses", name)
		if _, err := witness.New(name, w.Key, w.URL); err != nil && r.ok(path+".key") {
			r.add(path+".key", "%v", err)
		}
		if other, twice := keys[w.Key]; twice {
			r.add(path+".key", "witness %s has this key: two names of one key are one witness", other)
		}
		keys[w.Key] = name
		form(r, path+".url", w.URL, badBaseURL)
	}
	submit := ""
	for _, name := range sorted(p.Logs) {
		l, path := p.Logs[name], join("logs", name)
		for i, w := range l.Witnesses {
			if _, known := p.Witnesses[w]; !known || slices.Index(l.Witnesses, w) < i {
				r.add(index(path+".witnesses", i), "%q is not among witnesses, or stands here twice", w)
			}
		}
		switch {
		case l.Quorum < 0 || l.Quorum > len(l.Witnesses):
			r.add(path+".quorum", "is %d of %d witnesses", l.Quorum, len(l.Witnesses))
		case l.Quorum == 0 && len(l.Witnesses) > 0:
			r.add(path+".quorum", "is missing: say how many of the witnesses must have cosigned")
		}
		if l.Submit && l.Kind != StaticCT {
			r.add(path+".submit", "is for CT logs, which Fulcio submits to")
		}
		if l.Submit && submit != "" {
			r.add(path+".submit", "Fulcio submits to one CT log, and %s says so already", submit)
		}
		if l.Submit {
			submit = name
		}
	}
}

// WitnessesOf are the witnesses of a log.
func (p *Plan) WitnessesOf(log string) ([]witness.Witness, error) {
	var out []witness.Witness
	for _, name := range p.Logs[log].Witnesses {
		w, err := witness.New(name, p.Witnesses[name].Key, p.Witnesses[name].URL)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}
