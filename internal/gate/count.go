package gate

import "fmt"

// count asks whether as many different signers have signed as the rule wants.
// A bundle that does not hold counts for nobody, and spoils nobody else's.
func (r *Report) count(all []*evidence) bool {
	p := r.rule
	signers := map[string]map[string]bool{kindKey: {}, kindKeyless: {}}
	given := map[string]int{}
	for i, b := range r.Bundles {
		given[all[i].kind]++
		if b.Holds {
			signers[all[i].kind][b.Signer] = true
		}
	}
	strangers := 0 // broken, and of which kind nobody can tell
	for _, kind := range r.unread {
		if given[kind]++; kind == "" {
			strangers++
		}
	}
	want := p.counts()
	if p.Rule == ruleAny {
		if len(signers[kindKey])+len(signers[kindKeyless]) > 0 {
			return true
		}
		if len(r.Bundles)+len(r.unread) == 0 {
			r.Checks = append(r.Checks, Check{Name: "bundle", State: Failed, Detail: "no bundle was given"})
		}
		return false
	}
	enough := true
	for _, k := range []struct {
		kind, what string
		want       int
	}{{kindKey, "signed by a key", want.Keys}, {kindKeyless, "with a Fulcio certificate", want.Keyless}} {
		held := len(signers[k.kind])
		if held >= k.want {
			continue
		}
		enough = false
		switch {
		case given[k.kind] == 0 && strangers > 0:
			strangers-- // it is broken, which was said, and not missing
		case given[k.kind] == 0:
			r.Checks = append(r.Checks, Check{Bundle: k.kind, Name: "bundle", State: Failed, Detail: "no bundle " + k.what + " was given"})
		case k.want > 1:
			r.Checks = append(r.Checks, Check{Bundle: k.kind, Name: "count", State: Failed, Want: fmt.Sprint(k.want), Got: fmt.Sprint(held),
				Detail: "not enough different signers of the policy have signed"})
		}
	}
	return enough
}
