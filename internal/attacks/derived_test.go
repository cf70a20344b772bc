//go:build linux && cgo

package attacks

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/linnemanlabs/trustroot/internal/rehearsal"
)

// target puts another content of a target into a staged change.
func (w *world) target(folder, metadata, name string, data []byte) {
	w.Helper()
	w.write(folder+"/targets/"+name, data)
	w.edit(folder+"/sign/"+metadata, func(v map[string]any) {
		file := object(v, "signed", "targets", name)
		file["length"], file["hashes"] = len(data), map[string]any{"sha256": fmt.Sprintf("%x", sha256.Sum256(data))}
	})
	w.sums(folder)
}

// TestSignAndMerge_CompareWithTheDerived has a staged change say more than
// ledger and plan do, whole and well described.
func TestSignAndMerge_CompareWithTheDerived(t *testing.T) {
	serial := fmt.Sprint(rehearsal.HolderSerial)
	sign, merge := []string{"tuf", "sign", nextStaged, "--serial", serial}, []string{"tuf", "merge", nextStaged}
	staged := func(w *world) {
		w.plug(tokenOf("token.json"), tokenOf("holder.json"))
		w.ok("tuf", "stage", "targets", "--renew")
	}
	evil := func(w *world) {
		staged(w)
		old := w.read(servedRoot)
		evilLog(w)
		data := w.read(servedRoot)
		w.write(servedRoot, old)
		w.write(nextStaged+"/previous/trusted_root.json", old)
		w.target(nextStaged, "2.targets.json", "trusted_root.json", data)
	}
	// elsewhere has the holder sign where there is nothing to compare with.
	elsewhere := func(change func(*world)) func(*world) {
		return func(w *world) {
			change(w)
			w.copyFolder(w.path(nextStaged), w.tmp+"/copy")
			w.ok("tuf", "sign", w.tmp+"/copy", "--serial", serial, "--dir", w.tmp)
			w.copyFolder(w.tmp+"/copy/signatures", w.path(nextStaged+"/signatures"))
		}
	}
	differs := []string{"trusted_root.json", "differs from what ledger and plan say"}
	hand := func(change func(*world)) func(*world) {
		return func(w *world) {
			change(w)
			evilLog(w)
		}
	}
	play(t, []row{
		{name: "signed as it is", do: staged, args: sign, code: 0},
		{name: "merged as it is", do: elsewhere(staged), args: merge, code: 0, words: []string{"sealed"}},
		{name: "a log more, signed", do: evil, args: sign, code: 5, words: differs, never: []string{"PIN"}},
		{name: "a log more, merged", do: elsewhere(evil), args: merge, code: 5, words: differs},
		{name: "a log more, published", do: elsewhere(evil), args: []string{"tuf", "publish", nextStaged, "--rehearsal"}, code: 5, words: differs},
		{name: "trust/ changed by hand, signed", do: hand(staged), args: sign, code: 5, words: []string{servedRoot + " has other bytes than ledger and plan make", "https://evil.example.com"}},
		{name: "trust/ changed by hand, merged", do: hand(elsewhere(staged)), args: merge, code: 5, words: []string{servedRoot + " has other bytes than ledger and plan make"}},
		{name: "trust/ changed by hand, published", do: hand(elsewhere(staged)), args: []string{"tuf", "publish", nextStaged, "--rehearsal"}, code: 5, words: []string{servedRoot + " has other bytes"}},
		{name: "the plan has moved on, merged", do: func(w *world) {
			elsewhere(staged)(w)
			w.replace("pki.yaml", "    expiry: 3650d\n", "    expiry: 365d\n")
		}, args: merge, code: 5, words: []string{"targets"}},
	})
}
