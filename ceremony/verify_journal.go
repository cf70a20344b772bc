package ceremony

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
)

// inFile names a sealed file in an error.
func inFile(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sealed/%s: %w", name, err)
}

// journal checks the chain and that it is this request's.
func (v *verifier) journal() (string, error) {
	text := v.Record.Files[record.Journal]
	entries, err := journal.Verify(text)
	if err != nil {
		return "", inFile(record.Journal, err)
	}
	head, err := journal.Opening(entries)
	if err != nil {
		return "", inFile(record.Journal, err)
	}
	digest := v.Request.Digest()
	if head.RequestDigest != hex.EncodeToString(digest[:]) || head.Ceremony != v.Request.Manifest.Ceremony || head.Token != v.plan.Token {
		return "", inFile(record.Journal, errors.New("it is of another request, ceremony or token"))
	}
	v.entries, v.at = entries, entries[0].Time
	return fmt.Sprintf("the hash chain of its %d lines, which ends in %s", len(entries), journal.HeadOf(text)), nil
}

// steps wants every step of the ceremony with its one result.
func (v *verifier) steps() (string, error) {
	want := []string{stepWords, stepRecordKey, stepAttestRecord, stepRemember}
	if !v.imported() {
		want = append(want, stepAttest)
	}
	if v.Request.Root == nil {
		want = append(want, stepGenerate, stepInstall)
	}
	for _, item := range v.Request.Items {
		want = append(want, stepSign+" "+item.Authority)
	}
	if v.Request.Manifest.CRL != nil {
		want = append(want, stepCRL)
	}
	if v.Request.Manifest.Destroy {
		want = append(want, stepDestroy, stepAttestDestroyed)
	}
	v.done = map[string]json.RawMessage{}
	done, attempts := map[string]json.RawMessage{}, 0
	for _, e := range v.entries {
		switch e.Kind {
		case journal.KindIntent:
			attempts++
		case journal.KindResult:
			done[e.Step] = e.Data
		}
	}
	for _, step := range want {
		data, ok := done[step]
		if !ok {
			return "", inFile(record.Journal, fmt.Errorf("step %s was never done", step))
		}
		delete(done, step)
		v.done[step] = data
		if step == stepWords {
			var drawn draw
			if err := errors.Join(decode(step, data, &drawn), drawn.check()); err != nil {
				return "", inFile(record.Journal, err)
			}
		}
		if authority, ok := strings.CutPrefix(step, stepSign+" "); ok {
			var r signResult
			if err := decode(step, data, &r); err != nil {
				return "", inFile(record.Journal, err)
			}
			v.results[authority] = r
		}
	}
	for step := range done {
		return "", inFile(record.Journal, fmt.Errorf("step %s is none of this ceremony", step))
	}
	return fmt.Sprintf("%d results for %d attempts in the journal", len(want), attempts), nil
}
