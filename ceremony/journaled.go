package ceremony

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/term"
	"github.com/linnemanlabs/trustroot/yubikey"
)

// open creates the journal, or goes on with the one of a ceremony that was cut.
func open(d *day) error {
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
		d.journal, err = journal.Create(path, head, clock, d.hook)
		return err
	}
	j, err := journal.Open(path, clock, d.hook)
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

func closeDay(d *day) error {
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
		err := decode(step, state.Result, &result)
		return result, err
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
