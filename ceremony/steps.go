package ceremony

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/request"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Step is one numbered step of a ceremony. The runner runs this table, and the
// printed script, the journal and the report count by it.
type Step struct {
	Number int
	Title  string  // what is done, in the imperative
	People string  // what people do and see
	Values []Value // what must be seen

	begins bool // asked of people anew in each run, until the journal is closed
	run    func(*day, context.Context) error
}

const titleHost = "Look at the machine"

// Value is something that a step must show. Words are of a digest, to be read
// aloud; a value without text is written down by hand.
type Value struct{ Name, Text, Words string }

// digestValue is a digest in hex groups and in words.
func digestValue(name, digest string) Value {
	raw, err := hex.DecodeString(digest)
	if err != nil || len(raw) == 0 {
		return Value{Name: name, Text: "not pinned in the plan"}
	}
	return Value{name, pki.HexGroups(raw), pki.Words(raw)}
}

func without(f func(*day) error) func(*day, context.Context) error {
	return func(d *day, _ context.Context) error { return f(d) }
}

// Steps are the steps of the ceremony that a request asks for, in order.
func Steps(r *request.Request) []Step {
	m, c := r.Manifest, r.Plan.Ceremonies[r.Manifest.Ceremony]
	root := r.Plan.Authorities[plan.RootAuthority]
	token := fmt.Sprint(c.Token)
	out := []Step{
		{Title: "Say who is here, and compare the clock", run: without(askPresence), begins: true,
			People: "Everybody in the room signs the attendance sheet, with organization and time. Each operator and each witness of the plan compares the machine's clock with their own watch, in UTC; the operator types their names.",
			Values: []Value{{Name: "witnesses", Text: cmp.Or(strings.Join(c.Witnesses, ", "), "the plan names none")}, {Name: "day", Text: c.Day}, {Name: "time by the watch"}}},
		{Title: "Type words of the request", run: (*day).askWords, begins: true,
			People: fmt.Sprintf("The witness holds the paper with the %d words that the second person wrote down. The operator types the %d that are asked for.", wordsOfRequest, wordsTyped)},
		{Title: titleHost, run: without(showHost), begins: true,
			People: "Nothing may be found that an air-gapped machine should not have. What is found is written on an exception sheet.",
			Values: []Value{digestValue("program", c.BinarySHA256), digestValue("ceremony image", c.ImageSHA256)}},
		{Title: "Read what will be made", run: without(askContents), begins: true,
			People: "The operator reads the list aloud. The witness compares it with the reviewed plan and with the steps below.",
			Values: []Value{{Name: "typed", Text: m.Ceremony}}},
		{Title: "Open the token", run: (*day).identify, begins: true,
			People: "The serial number on the screen is the one on the token's back.",
			Values: []Value{{Name: "token", Text: token}}},
		rootStep(r, root, token),
		{Title: "Find or make the record key", run: (*day).recordKey,
			People: "The key signs records and nothing else. It is made at the first ceremony of a token.",
			Values: []Value{{Name: "slot", Text: recordKeyIn(c).Slot + ", P-256"}}},
		{Title: "Have the token remember the request", run: (*day).remember,
			People: "From here on the token refuses this request's sequence number and all below it.",
			Values: []Value{{Name: "sequence number", Text: fmt.Sprint(m.Sequence)}, digestValue("head of the ledger", m.LedgerHead)}},
	}
	for _, item := range r.Items {
		out = append(out, signStep(item))
	}
	if crl := m.CRL; crl != nil {
		out = append(out, Step{Title: fmt.Sprintf("Sign CRL %d of the root", crl.Number), run: (*day).signCRL, People: "The key holder touches the token.",
			Values: []Value{{Name: "revokes", Text: term.Sprintf("%d certificates", len(crl.Revoked))}, {Name: "next update", Text: crl.NextUpdate.Format("2006-01-02")}}})
	}
	if r.Root == nil {
		out = append(out, Step{Title: "Put the root certificate beside its key", run: (*day).install, People: "Nobody types; the token stays in."})
	}
	if m.Destroy {
		out = append(out, Step{Title: "Destroy the root's key", run: (*day).destroy,
			People: "A new key is made over the root's, and the token attests the new one. Nothing brings the old one back.",
			Values: []Value{{Name: "slot", Text: root.Token.Slot}}})
	}
	out = append(out, Step{Title: "Say whether anything was otherwise", run: func(d *day, ctx context.Context) error { return askOtherwise(ctx, d) }, begins: true,
		People: "The operator says yes or no; no where an exception sheet was written. The record is sealed with the answer.",
		Values: []Value{{Name: "exception sheets"}}})
	out = append(out, Step{Title: "Close the journal, and sign the record", run: (*day).finish,
		People: "The record key signs. The witness writes down the record's digest as it stands on the screen.",
		Values: []Value{{Name: "first four groups"}, {Name: "last four groups"}}})
	for i := range out {
		out[i].Number = i + 1
	}
	return out
}

func rootStep(r *request.Request, root plan.Authority, token string) Step {
	s := Step{
		Title: "Find the root key, and have the token attest it", run: (*day).findRoot,
		People: "The token proves that it holds the key of the root certificate.",
		Values: []Value{{Name: "slot", Text: fmt.Sprintf("%s, %s, PIN %s, touch %s", root.Token.Slot, root.Algorithm, root.Token.PIN, root.Token.Touch)}},
	}
	switch {
	case r.Root != nil:
		s.Values = append(s.Values, spkiValue(r.Root.RawSubjectPublicKeyInfo))
	default:
		s.Title, s.run = "Make the root key, and have the token attest it", (*day).makeRoot
		s.People = "The operator types the token's serial number. The key is made on the token and can never leave it."
		s.Values = append(s.Values, Value{Name: "typed", Text: token})
	}
	if r.Plan.Allows(plan.ExceptionImportedRoot) {
		s.Title, s.People = "Find the root key, which was imported", "Nothing attests an imported key; the record says so."
	}
	return s
}

func spkiValue(spki []byte) Value {
	return digestValue("public key", fmt.Sprintf("%x", sha256.Sum256(spki)))
}

func signStep(item request.Item) Step {
	s := Step{
		Title:  fmt.Sprintf("Sign the certificate of %s, generation %d", item.Authority, item.Generation),
		People: "The key holder touches the token. The witness compares the certificate on the screen with the values here and notes its serial number.",
		run: func(d *day, _ context.Context) error {
			pub := d.pub
			if item.Authority != plan.RootAuthority {
				pub = item.CSR.PublicKey
			}
			return signItem(d, item, pub)
		},
		Values: []Value{
			{Name: "subject", Text: strings.TrimSpace(item.Spec.Subject.String())},
			{Name: "valid", Text: item.Spec.NotBefore.UTC().Format("2006-01-02 15:04:05") + " to " + item.Spec.NotAfter.UTC().Format("2006-01-02 15:04:05")},
		},
	}
	if item.CSR != nil {
		if spki, err := x509.MarshalPKIXPublicKey(item.CSR.PublicKey); err == nil {
			s.Values = append(s.Values, spkiValue(spki))
		}
	}
	s.Values = append(s.Values, Value{Name: "serial number"})
	return s
}

// stepName is how the journal names the beginning of a step.
func stepName(number int) string { return fmt.Sprintf("step %d", number) }

// do runs the steps of a day. Each one's number is shown and journaled before it, as
// the printed script has it.
func do(ctx context.Context, d *day) error {
	steps := Steps(d.Request)
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return stopped()
		}
		if !d.journal.Finished() {
			if err := show(d, stepName(s.Number), fmt.Sprintf("Step %d of %d: %s.", s.Number, len(steps), s.Title)); err != nil {
				return err
			}
		} else if s.begins {
			continue // all that is left is to seal the record
		}
		if err := s.run(d, ctx); err != nil {
			return err
		}
	}
	return nil
}
