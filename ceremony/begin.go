package ceremony

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// clock gives the journal its time stamps.
func clock() time.Time { return time.Now().UTC() }

// noteHost journals what was found on the machine. That and the first steps are
// done again when a ceremony goes on: it may be another boot of another machine.
func noteHost(d *day, exceptions []string) error {
	if d.journal.Finished() {
		return nil // all that is left is to seal the record
	}
	for _, e := range exceptions {
		if err := d.journal.Note(journal.KindException, "host", map[string]string{"text": e}); err != nil {
			return err
		}
	}
	return d.journal.Note(journal.KindHost, "", d.Host)
}

// askOtherwise asks for what the script does not have. A ceremony in which
// something was otherwise is sealed with that.
func askOtherwise(ctx context.Context, d *day) error {
	err := ask(d, "exceptions", term.Question{
		Text: "Everything went as the script has it, and no exception sheet was written.",
		Yes:  "the record is sealed with that",
		No:   "the record is sealed as well, and says that something was otherwise: see the exception sheets",
	})
	if !errors.Is(err, term.ErrStopped) {
		return err
	}
	if ctx.Err() != nil {
		return stopped()
	}
	return d.journal.Note(journal.KindException, "exceptions", map[string]string{"text": "something was otherwise than the script says: see the exception sheets"})
}

// askContents shows what will be made.
func askContents(d *day) error {
	if err := show(d, "contents", d.Request.String()); err != nil {
		return err
	}
	q := term.Question{
		Text: "What stands above will be signed, on token " + strconv.FormatUint(uint64(d.Serial), 10) + ".",
		Yes:  "the token is opened; nothing is made yet",
		No:   "nothing was made",
		Type: d.name,
	}
	if findings := d.Host.Findings(); len(findings) > 0 {
		q.Text += " This machine has what an air-gapped one should not have; the journal keeps the list, and the report says it:\n- " + strings.Join(findings, "\n- ")
	}
	return ask(d, "contents", q)
}

// showHost shows what an air-gapped machine should not have. Whether to go on
// with it is part of the question that follows.
func showHost(d *day) error {
	if len(d.Host.Denied)+len(d.Host.Open) > 0 {
		if err := show(d, "sandbox", list("The kernel denies this program from here on:", d.Host.Denied)+list("It does not deny:", d.Host.Open)); err != nil {
			return err
		}
	}
	findings := d.Host.Findings()
	if len(findings) == 0 {
		return show(d, "host", "Nothing was found on this machine that an air-gapped one should not have.")
	}
	return show(d, "host", "Found on this machine:\n- "+strings.Join(findings, "\n- "))
}

func list(head string, items []string) string {
	if len(items) == 0 {
		return ""
	}
	return head + "\n- " + strings.Join(items, "\n- ") + "\n"
}

// askPresence has each operator and each witness of the plan compare the clock
// with their own watch: the operator types the name of each, which says that
// they are in the room, too.
func askPresence(d *day) error {
	people := slices.Concat(d.plan.Operators, d.plan.Witnesses)
	if len(people) == 0 {
		people = []string{""}
	}
	for _, person := range people {
		if err := ask(d, "clock", clockQuestion(person)); err != nil {
			return err
		}
	}
	return nil
}

func clockQuestion(person string) term.Question {
	q := term.Question{
		Text: term.Sprintf("This machine's clock says %s UTC. Compare it with your own watch, in UTC; it may be ten minutes off.", clock().Format("2006-01-02 15:04")),
		Yes:  "the record says so; the words of the request are asked for when everybody has compared it",
		No:   "nothing was made; set the clock, or wait for who is missing, and run the same command again",
		Type: "clock is right",
	}
	if person != "" {
		q.Text, q.Type = person+" is in the room. "+q.Text, person
	}
	return q
}

// show journals a text and shows it.
func show(d *day, step, text string) error {
	if err := d.journal.Note(journal.KindShown, step, map[string]string{"sha256": digest.Hex([]byte(text)), "text": text}); err != nil {
		return err
	}
	d.Operator.Notice(text)
	return nil
}

// ask journals a question and its answer.
func ask(d *day, step string, q term.Question) error {
	err := d.Operator.Confirm(q)
	answer := "yes"
	if err != nil {
		answer = "no"
	}
	return errors.Join(err, d.journal.Note(journal.KindAnswered, step, map[string]string{"question": cmp.Or(q.Text, q.Label), "answer": answer}))
}

// deviceCertificate is what a token shows of its maker before it has a key.
type deviceCertificate interface {
	DeviceCertificate() (*x509.Certificate, error)
}

// early refuses, before the first question of a new ceremony, a token that would
// be refused later: another one than the plan's, old firmware, a slot in use
// where a root key is to be made, an attestation certificate that leads to no
// root. What a replayed request is, is said where it always is: after the words.
// Then a new token is made ready. It asks for no PIN that is in use.
func early(ctx context.Context, d *day) (err error) {
	if err := openToken(ctx, d); err != nil {
		return err
	}
	err = checkEarly(d)
	err = errors.Join(err, d.device.Close())
	d.device = nil
	if err != nil || d.Ready == nil || d.Request.Root != nil {
		return err
	}
	return d.Ready(ctx)
}

func checkEarly(d *day) error {
	p, imported := d.Request.Plan, d.Request.Plan.Allows(plan.ExceptionImportedRoot)
	remembered, err := readMemory(d)
	if err != nil || remembered != nil && d.Request.Manifest.Sequence <= remembered.Sequence {
		return err
	}
	if d.Request.Root == nil && !imported {
		slot := p.Authorities[plan.RootAuthority].Token.Slot
		info, err := d.device.Slot(yubikey.Slot(slot))
		if err != nil {
			return fmt.Errorf("look at slot %s: %w", slot, err)
		}
		if !info.Empty {
			return inUse(d, slot)
		}
	}
	token, ok := d.device.(deviceCertificate)
	if !ok || imported {
		return nil
	}
	c, err := token.DeviceCertificate()
	if err != nil {
		return err
	}
	return attestation.VerifyDevice(c, d.Roots, d.Now)
}

// inUse refuses a slot in which a root key would be made: a token holds one
// generation of a root.
func inUse(d *day, slot string) error {
	return fault.New(fault.Device, "use a token whose slot "+slot+" is empty",
		fmt.Errorf("slot %s of token %d holds a key already; nothing was changed", slot, d.Serial))
}
