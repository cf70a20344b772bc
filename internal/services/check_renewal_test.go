package services

import (
	"testing"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestCheck_FulcioOnTheOldChain(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.cutover("fulcio")
	report := w.finds(Mismatch, "fulcio", "cutover-not-followed", "still on generation 1, the old chain, although its cutover was recorded on")
	if fault.ExitCode(report.Err()) != int(fault.Verification) {
		t.Errorf("exit code %d", fault.ExitCode(report.Err()))
	}
}

func TestCheck_MixedState(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.rekor.key = w.keys["rekor"][1]
	report := w.agrees("cutover-not-recorded", "mixed", "newer-waits")
	last := report.Findings[len(report.Findings)-1]
	want := "mixed: fulcio on generation 1, rekor on generation 2, tesseract on generation 1, tsa on generation 1; old and new are both open, no cutover of them is recorded yet"
	if last.Text != want {
		t.Errorf("%s", last.Text)
	}
	w.cutover("rekor", "tsa")
	w.finds(Mismatch, "tsa", "cutover-not-followed", "still on generation 1")
}

func TestCheck_RenewalThatIsOver(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.fulcio.chain = w.chain("fulcio", 2)
	w.tsa.chain, w.tsa.key = w.chain("tsa", 2), w.keys["tsa"][1]
	w.rekor.key, w.ct.key = w.keys["rekor"][1], w.keys["tesseract"][1]
	w.agrees("cutover-not-recorded")
	w.cutover("fulcio", "tsa", "rekor", "tesseract")
	w.publish()
	w.agrees()
}

func TestCheck_OnAGenerationThatIsNotPublished(t *testing.T) {
	w := newSite(t)
	w.publish()
	published := w.files[localTrustedRoot]
	w.renew()
	w.files[localTrustedRoot] = published
	w.rekor.key = w.keys["rekor"][1]
	w.finds(Mismatch, "rekor", "not-published", "on generation 2, which the published trusted_root.json does not carry")
}

func TestCheck_CompromisedGeneration(t *testing.T) {
	w := newSite(t)
	w.renew()
	w.source.State.Authorities["tsa"][0].Compromised = compromised(w.now)
	w.finds(Mismatch, "tsa", "compromised", "key copied")
}

func TestCheck_SwitchedBeforeEveryVerifierCouldFetch(t *testing.T) {
	w := newSite(t)
	before, err := canonical(w.files[localTrustedRoot].Data)
	w.must(err)
	w.renew()
	after, err := canonical(w.files[localTrustedRoot].Data)
	w.must(err)
	w.source.Published = &Publication{wait: 7 * 24 * time.Hour, versions: []version{
		{number: 2, published: w.now.Add(-time.Hour), text: after}, {number: 1, published: w.now.AddDate(0, -1, 0), text: before}}}
	w.agrees("newer-waits")
	w.rekor.key = w.keys["rekor"][1]
	w.agrees("cutover-not-recorded", "mixed", "newer-waits", "too-early")
}
