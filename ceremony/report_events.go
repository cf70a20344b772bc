package ceremony

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// event is one line of the journal in words.
type event struct {
	Line             int
	Step             string // number in the printed script; empty before the first, and in records made before there were numbers
	Time, What, Text string
}

// timeline tells who did what when.
func timeline(entries []journal.Entry) []event {
	out := make([]event, 0, len(entries))
	step := ""
	for _, e := range entries {
		if number, ok := strings.CutPrefix(e.Step, "step "); ok && e.Kind == journal.KindShown {
			step = number
		}
		if e.Kind == journal.KindResume {
			step = ""
		}
		out = append(out, event{e.Seq, step, e.Time.Format("15:04:05"), kindInWords(e.Kind), inWords(e)})
	}
	return out
}

// kindInWords is what kind of thing a line tells.
func kindInWords(kind string) string {
	words := map[string]string{
		journal.KindOpen: "began", journal.KindHost: "machine", journal.KindDevice: "token", journal.KindShown: "shown",
		journal.KindAnswered: "asked", journal.KindIntent: "about to", journal.KindResult: "done", journal.KindFailed: "not done",
		journal.KindTorn: "cut short", journal.KindResume: "went on", journal.KindAbort: "stopped", journal.KindClose: "ended",
	}
	return cmp.Or(words[kind], kind)
}

// stepInWords is what a step does.
func stepInWords(step string) string {
	words := map[string]string{
		stepGenerate: "find or make the root key", stepAttest: "have the token attest the root key",
		stepRecordKey: "find or make the record key", stepAttestRecord: "have the token attest the record key",
		stepRemember: "have the token remember the request", stepInstall: "put the root certificate beside its key",
		stepCRL: "sign the root's CRL", stepDestroy: "destroy the root's key", stepAttestDestroyed: "have the token attest the key in its place",
	}
	if w, ok := words[step]; ok {
		return w
	}
	if authority, ok := strings.CutPrefix(step, stepSign+" "); ok {
		return "sign the certificate of " + authority
	}
	return step
}

// inWords is what a line says beside its kind. What a line shows elsewhere in
// the report, or cannot be read here, stays in the journal.
func inWords(e journal.Entry) string {
	var data struct {
		Question string          `json:"question"`
		Answer   string          `json:"answer"`
		Text     string          `json:"text"`
		Error    string          `json:"error"`
		Firmware string          `json:"firmware"`
		File     string          `json:"file"`
		Serial   json.RawMessage `json:"serial"` // a number of a token, a string of a certificate

		Slot       string `json:"slot"`
		Algorithm  string `json:"algorithm"`
		Sequence   int    `json:"sequence"`
		Generation int    `json:"generation"`
	}
	if json.Unmarshal(e.Data, &data) != nil {
		return "see the journal"
	}
	serial := strings.Trim(string(data.Serial), `"`)
	switch e.Kind {
	case journal.KindAnswered:
		return data.Question + " — " + data.Answer
	case journal.KindShown:
		if strings.HasPrefix(e.Step, "step ") {
			return data.Text
		}
		return e.Step + "; the text is in the journal"
	case journal.KindException:
		return data.Text
	case journal.KindHost:
		return "looked at; see The machine"
	case journal.KindDevice:
		return fmt.Sprintf("%s, firmware %s", serial, data.Firmware)
	case journal.KindTorn:
		return "a line of the journal; its piece is kept in " + data.File
	}
	parts := []string{stepInWords(e.Step)}
	if e.Attempt > 1 {
		parts = append(parts, fmt.Sprintf("attempt %d", e.Attempt))
	}
	switch {
	case data.Error != "":
		parts = append(parts, data.Error)
	case e.Kind != journal.KindIntent:
	case data.Generation != 0:
		parts = append(parts, fmt.Sprintf("generation %d, serial %s", data.Generation, serial))
	case data.Sequence != 0:
		parts = append(parts, fmt.Sprintf("number %d", data.Sequence))
	case data.Slot != "":
		parts = append(parts, strings.TrimSpace("slot "+data.Slot+" "+data.Algorithm))
	}
	return strings.TrimPrefix(strings.Join(parts, "; "), "; ")
}

// changes lists every change of state, in order and with its step: what is on the
// token now, and what left. A key is made only after a yes to its question;
// without one it was there before.
func changes(entries []journal.Entry, token uint32, imported bool) []string {
	var out []string
	intents, agreed, step := map[string]json.RawMessage{}, map[string]bool{}, ""
	for _, e := range entries {
		switch e.Kind {
		case journal.KindShown:
			if number, ok := strings.CutPrefix(e.Step, "step "); ok {
				step = "Step " + number + ": "
			}
			agreed[stepRecordKey] = agreed[stepRecordKey] || e.Step == stepRecordKey // it was agreed to with the root's
		case journal.KindIntent:
			intents[e.Step] = e.Data
		case journal.KindAnswered:
			agreed[e.Step] = true
		case journal.KindResult:
			if isKey := e.Step == stepGenerate || e.Step == stepRecordKey; isKey && !agreed[e.Step] {
				continue
			}
			if text := change(e.Step, intents[e.Step], e.Data, token, e.Attempt, imported); text != "" {
				out = append(out, step+text)
			}
		}
	}
	return out
}

func change(step string, intent, result json.RawMessage, token uint32, attempts int, imported bool) string {
	var in keyIntent
	var m memory
	switch step {
	case stepGenerate, stepRecordKey:
		if decode(step, intent, &in) != nil {
			return ""
		}
		if step == stepGenerate && imported {
			return fmt.Sprintf("The key in slot %s of token %d, which was imported before, is the root key from here on.", in.Slot, token)
		}
		what := map[string]string{stepGenerate: "root", stepRecordKey: "record"}[step]
		return fmt.Sprintf("The %s key was made in slot %s of token %d (%s, PIN %s, touch %s).", what, in.Slot, token, in.Algorithm, in.PIN, in.Touch)
	case stepRemember:
		if decode(step, intent, &m) != nil {
			return ""
		}
		return fmt.Sprintf("Token %d remembers request %d and refuses older ones.", token, m.Sequence)
	case stepInstall:
		return fmt.Sprintf("The root certificate stands beside its key on token %d.", token)
	case stepCRL:
		var c crlIntent
		if decode(step, intent, &c) != nil {
			return ""
		}
		return rootSigned(fmt.Sprintf("CRL %d", c.Number), attempts)
	case stepDestroy:
		return fmt.Sprintf("The root key of token %d was destroyed: its slot holds another, made over it.", token)
	}
	authority, ok := strings.CutPrefix(step, stepSign+" ")
	var r signResult
	if !ok || decode(step, result, &r) != nil {
		return ""
	}
	cert, err := pki.ParseCertificate([]byte(r.Certificate))
	if err != nil {
		return ""
	}
	return rootSigned("the certificate of "+authority+", serial "+ledger.SerialHex(cert.SerialNumber), attempts)
}

func rootSigned(what string, attempts int) string {
	if attempts > 1 {
		what += fmt.Sprintf("; it took %d attempts over the same bytes", attempts)
	}
	return "The root key signed " + what + "."
}

// people are those who sign the printed page.
func people(c plan.Ceremony) []string {
	var out []string
	for _, name := range c.Operators {
		out = append(out, name+", operator")
	}
	for _, name := range c.Witnesses {
		out = append(out, name+", witness")
	}
	for len(out) < 3 {
		out = append(out, []string{"administrator", "key holder", "witness"}[len(out)])
	}
	return out
}
