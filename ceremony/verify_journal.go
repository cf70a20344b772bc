package ceremony

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/ceremony/request"
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

// believed is what nothing in a record proves.
func (v *verifier) believed() []Claim {
	var claims []Claim
	add := func(by, format string, args ...any) {
		claims = append(claims, Claim{Text: fmt.Sprintf(format, args...), By: by, People: true})
	}
	add("who compared the words on paper, the clock and a watch", "the request is the one that was reviewed, and the day was %s", v.plan.Day)
	add("who brought the machine and checked the binary from second media", "the ceremony host did what its journal says; its trustroot has the SHA-256 %s", v.binary())
	host := hostOf(v.entries)
	for _, what := range host.Denied {
		add("the ceremony host's kernel", "the kernel denied trustroot %s", what)
	}
	for _, what := range host.Open {
		add("who brought the machine", "the kernel left open to trustroot %s", what)
	}
	if i := host.Image; i != nil {
		add("the image's own word, and who read its digest on another machine before the start", "the host ran the ceremony image with the SHA-256 %s", i.SHA256)
	}
	if v.imported() {
		add("who made it", "the root key was made on a host and is on no other medium than its tokens")
	}
	for _, item := range v.Request.Items {
		if item.Source == request.SourceExternal {
			add("who brought its request", "the key of %s is where its holder says", item.Authority)
		}
	}
	for _, text := range exceptions(v.entries) {
		add("who passed --allow-network", "exception: %s", text)
	}
	for _, e := range v.Request.Plan.Exceptions {
		add("who reviewed the plan: "+e.Reason, "exception: %s", e.Name)
	}
	return append(claims, v.unpinned...)
}

func (v *verifier) binary() string {
	head, err := journal.Opening(v.entries)
	if err != nil {
		return "unknown"
	}
	return head.BinarySHA256
}

// exceptions are those that the journal names.
func exceptions(entries []journal.Entry) []string {
	var out []string
	for _, e := range entries {
		var data struct {
			Text string `json:"text"`
		}
		if e.Kind != journal.KindException || decode(e.Step, e.Data, &data) != nil {
			continue
		}
		if text := strings.TrimSpace(data.Text); text != "" && (len(out) == 0 || out[len(out)-1] != text) {
			out = append(out, text)
		}
	}
	return out
}
