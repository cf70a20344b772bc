package ceremony

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// event is one line of the journal in words.
type event struct{ Time, What, Text string }

// timeline tells who did what when.
func timeline(entries []journal.Entry) []event {
	var out []event
	for _, e := range entries {
		what := e.Kind
		if e.Step != "" {
			what += ": " + e.Step
		}
		out = append(out, event{e.Time.Format("15:04:05"), what, inWords(e)})
	}
	return out
}

// inWords is what a line says beside its kind. What a line shows elsewhere in
// the report, or cannot be read here, stays in the journal.
func inWords(e journal.Entry) string {
	var data struct {
		Question string `json:"question"`
		Answer   string `json:"answer"`
		Text     string `json:"text"`
		Error    string `json:"error"`
		Firmware string `json:"firmware"`

		Serial     json.RawMessage `json:"serial"` // a number of a token, a string of a certificate
		Slot       string          `json:"slot"`
		Algorithm  string          `json:"algorithm"`
		Sequence   int             `json:"sequence"`
		File       string          `json:"file"`
		Authority  string          `json:"authority"`
		Generation int             `json:"generation"`
	}
	if json.Unmarshal(e.Data, &data) != nil {
		return "see the journal"
	}
	serial, attempt := strings.Trim(string(data.Serial), `"`), ""
	if e.Attempt > 1 {
		attempt = fmt.Sprintf("attempt %d; ", e.Attempt)
	}
	switch {
	case e.Kind == journal.KindAnswered:
		return data.Question + " — " + data.Answer
	case e.Kind == journal.KindShown:
		return "see the journal"
	case data.Error != "":
		return attempt + data.Error
	case e.Kind == journal.KindException:
		return data.Text
	case e.Kind == journal.KindDevice:
		return fmt.Sprintf("token %s, firmware %s", serial, data.Firmware)
	case e.Kind == journal.KindTorn:
		return "a line that was cut short is kept in " + data.File
	case data.Authority != "":
		return fmt.Sprintf("%s%s g%d, serial %s", attempt, data.Authority, data.Generation, serial)
	case data.Sequence != 0:
		return fmt.Sprintf("%srequest %d", attempt, data.Sequence)
	case e.Kind == journal.KindIntent && data.Slot != "":
		return strings.TrimSpace(fmt.Sprintf("%sslot %s %s", attempt, data.Slot, data.Algorithm))
	}
	return strings.TrimSuffix(attempt, "; ")
}

// changes lists every change of state, in order: what is on the token now, and
// what left.
func changes(entries []journal.Entry, token uint32) []string {
	var out []string
	intents := map[string]json.RawMessage{}
	for _, e := range entries {
		if e.Kind == journal.KindIntent {
			intents[e.Step] = e.Data
		}
		if e.Kind == journal.KindResult {
			if text := change(e.Step, intents[e.Step], e.Data, token, e.Attempt); text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

func change(step string, intent, result json.RawMessage, token uint32, attempts int) string {
	var in keyIntent
	var m memory
	switch step {
	case stepGenerate, stepRecordKey:
		what := map[string]string{stepGenerate: "the root key", stepRecordKey: "the record key"}[step]
		if decode(step, intent, &in) != nil {
			return ""
		}
		return fmt.Sprintf("Slot %s of token %d holds %s (%s, PIN %s, touch %s).", in.Slot, token, what, in.Algorithm, in.PIN, in.Touch)
	case stepRemember:
		if decode(step, intent, &m) != nil {
			return ""
		}
		return fmt.Sprintf("Token %d remembers request %d and refuses older ones.", token, m.Sequence)
	case stepInstall:
		return fmt.Sprintf("The root certificate stands beside its key on token %d.", token)
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
	text := fmt.Sprintf("The root key signed the certificate of %s, serial %s", authority, ledger.SerialHex(cert.SerialNumber))
	if attempts > 1 {
		text += fmt.Sprintf("; it took %d attempts over the same bytes", attempts)
	}
	return text + "."
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
