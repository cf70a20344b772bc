package ceremony

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/pki/plan"
	"github.com/linnemanlabs/trustroot/yubikey"
	"github.com/linnemanlabs/trustroot/yubikey/attestation"
)

// day is one run of a ceremony, from the first question to the record.
type day struct {
	Options
	name    string // of the ceremony, as in the plan
	plan    plan.Ceremony
	work    string // the unfinished folder, which holds the journal
	final   string // the record
	journal *journal.Journal
	device  Device
	root    *x509.Certificate // once it exists
	pair    *attestation.Pair // of the root key, where it was made here
	issued  []issued
}

// Root makes the root key on the token, its certificate, and every other
// certificate of the request, and returns the path of the record.
func Root(ctx context.Context, o Options) (string, error) {
	if o.Request.Root != nil {
		return "", fault.New(fault.Usage, "sign under an existing root with `trustroot ceremony sign`",
			errors.New("the request holds a root certificate already"))
	}
	return run(ctx, o, (*day).makeRoot)
}

// Sign signs the request's certificates with the root key that the token
// holds, and returns the path of the record.
func Sign(ctx context.Context, o Options) (string, error) {
	if o.Request.Root == nil {
		return "", fault.New(fault.Usage, "make the root first with `trustroot ceremony root`",
			errors.New("the request holds no root certificate"))
	}
	return run(ctx, o, (*day).findRoot)
}

func run(ctx context.Context, o Options, root func(*day, context.Context) error) (path string, err error) {
	name := o.Request.Manifest.Ceremony
	c := o.Request.Plan.Ceremonies[name]
	d := &day{Options: o, name: name, plan: c}
	d.final = filepath.Join(o.Out, c.Day+"-"+name)
	d.work = d.final + ".unfinished"
	if o.Serial != c.Token {
		return "", fault.New(fault.Usage, "put in the token that the plan names and give its serial number",
			fmt.Errorf("--serial is %d, the plan's ceremony %s is for token %d", o.Serial, name, c.Token))
	}
	if _, err := os.Stat(d.final); err == nil {
		return "", fault.New(fault.Usage, "a ceremony happens once: check that record with `trustroot ceremony verify "+d.final+"`",
			fmt.Errorf("%s exists already", d.final))
	}
	exceptions, err := o.Host.check(c, o.Now, o.AllowNetwork)
	if err != nil {
		return "", err
	}
	if err := d.open(); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return d.begin(ctx, exceptions) },
		func(ctx context.Context) error { return root(d, ctx) },
		d.signAll,
		d.install,
	} {
		if err := ctx.Err(); err != nil {
			return "", fault.New(fault.Stopped, "run the same command again to go on", errors.New("interrupted"))
		}
		if err := step(ctx); err != nil {
			return "", err
		}
	}
	return d.final, d.finish()
}

// open creates the journal, or goes on with the one of a ceremony that was cut.
func (d *day) open() error {
	path := filepath.Join(d.work, "journal.jsonl")
	digest := d.Request.Digest()
	head := journal.Head{
		Ceremony:      d.name,
		RequestDigest: hex.EncodeToString(digest[:]),
		Token:         d.Serial,
		BinarySHA256:  d.Host.BinarySHA256,
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(d.work, 0o700); err != nil {
			return fmt.Errorf("make the ceremony's folder: %w", err)
		}
		d.journal, err = journal.Create(path, head, d.clock)
		return err
	}
	j, err := journal.Open(path, d.clock)
	if err != nil {
		return err
	}
	if j.Opening() != head {
		return errors.Join(fault.New(fault.Verification, "give the same request and token as before, or keep "+d.work+" as evidence and name another --out",
			fmt.Errorf("%s belongs to another request, token or binary", path)), j.Close())
	}
	d.journal = j
	d.Operator.Notice("Going on with the ceremony that was cut: " + d.work)
	if j.Finished() {
		return nil // all that is left is to seal the record
	}
	return j.Note(journal.KindResume, "", nil)
}

func (d *day) close() error {
	var errs []error
	if d.device != nil {
		errs = append(errs, d.device.Close())
	}
	if d.journal != nil {
		errs = append(errs, d.journal.Close())
	}
	return errors.Join(errs...)
}

// once runs act unless the journal holds its result already. The intent is in
// the journal before act runs; retried tells act that an earlier run may have
// acted without leaving its result, and intent is then that run's.
func once[I, T any](d *day, step string, intent I, act func(intent I, retried bool) (T, error)) (T, error) {
	var result T
	state := d.journal.Last(step)
	if state.State == journal.Done {
		return result, decode(step, state.Result, &result)
	}
	if state.Intent != nil {
		intent = *new(I)
		if err := decode(step, state.Intent, &intent); err != nil {
			return result, err
		}
	}
	if err := d.journal.Intent(step, intent); err != nil {
		return result, err
	}
	result, err := act(intent, state.State == journal.Intended)
	if err != nil {
		kind := "error"
		if harmless(err) {
			kind = journal.KindFailed
		}
		return result, errors.Join(err, d.journal.Note(kind, step, map[string]string{"error": err.Error()}))
	}
	return result, d.journal.Result(step, result)
}

func decode(step string, data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read step %s in the journal: %w", step, err)
	}
	return nil
}

// harmless reports whether an error says that the token did nothing.
func harmless(err error) bool {
	for _, known := range []error{term.ErrStopped, yubikey.ErrLastTry, yubikey.ErrTouch, yubikey.ErrSlotEmpty, yubikey.ErrSlotInUse, yubikey.ErrOtherKey} {
		if errors.Is(err, known) {
			return true
		}
	}
	_, wrongPIN := errors.AsType[*yubikey.AuthError](err)
	return wrongPIN
}
