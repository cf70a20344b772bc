package ceremony

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// wordsTyped is how many of the request's words the operator types from
// paper: 64 bits, which the pins in the plan then stand behind.
const wordsTyped = 8

// minFirmware is the first firmware that does not leak ECDSA keys to who
// holds the token (YSA-2024-03).
var minFirmware = yubikey.Version{5, 7, 0}

// clock gives the journal its time stamps.
func (d *day) clock() time.Time { return time.Now().UTC() }

// begin has the operator prove that the request is the one on paper, shows
// what will be made, and opens the token.
func (d *day) begin(ctx context.Context, exceptions []string) error {
	if d.journal.Finished() {
		return nil
	}
	for _, e := range exceptions {
		if err := d.journal.Note(journal.KindException, "host", map[string]string{"text": e}); err != nil {
			return err
		}
	}
	if err := d.journal.Note(journal.KindHost, "", d.Host); err != nil {
		return err
	}
	digest := d.Request.Digest()
	words := strings.Fields(pki.Words(digest[:]))
	if err := d.ask("words", term.Question{
		Text:  fmt.Sprintf("This is ceremony %s of %s. The request's words were written down where it was made.", d.name, d.Request.Plan.Organization),
		Yes:   "the request is shown, and nothing is made yet",
		No:    "nothing was made",
		Type:  strings.Join(words[:wordsTyped], " "),
		Label: fmt.Sprintf("the first %d words from the paper", wordsTyped),
	}); err != nil {
		return err
	}
	d.Operator.Notice(d.Request.String())
	if err := d.ask("contents", term.Question{
		Text: "The certificates above will be signed, on token " + strconv.FormatUint(uint64(d.Serial), 10) + ".",
		Yes:  "the token is opened and the PIN is asked",
		No:   "nothing was made",
		Type: d.name,
	}); err != nil {
		return err
	}
	return d.identify(ctx)
}

// ask journals a question and its answer.
func (d *day) ask(step string, q term.Question) error {
	err := d.Operator.Confirm(q)
	answer := "yes"
	if err != nil {
		answer = "no"
	}
	return errors.Join(err, d.journal.Note(journal.KindAnswered, step, map[string]string{"question": q.Text, "answer": answer}))
}

// identity is what the journal keeps of the token.
type identity struct {
	Serial     uint32 `json:"serial"`
	Firmware   string `json:"firmware"`
	FormFactor string `json:"form_factor"`
}

// identify opens the token and refuses any but the plan's.
func (d *day) identify(ctx context.Context) error {
	device, err := d.Open(ctx, d.Serial)
	if err != nil {
		return err
	}
	d.device = device
	id := device.Identity()
	if id.Serial != d.plan.Token {
		return fault.New(fault.Device, "put in the token that the plan names",
			fmt.Errorf("this is token %d, the plan's ceremony is for token %d", id.Serial, d.plan.Token))
	}
	if id.Firmware.Less(minFirmware) && !d.Request.Plan.Allows(plan.ExceptionOldFirmware) {
		return fault.New(fault.Device, "use a token with firmware 5.7 or later, or name the exception "+plan.ExceptionOldFirmware+" in the plan",
			fmt.Errorf("token %d has firmware %s, whose ECDSA keys can be extracted by who holds it (YSA-2024-03)", id.Serial, id.Firmware))
	}
	return d.journal.Note(journal.KindDevice, "", identity{id.Serial, id.Firmware.String(), id.FormFactor})
}
