package ceremony

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/pki/anchor"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// LogKey is a Rekor v2 log's key that somebody trusts.
type LogKey struct {
	Origin     string
	SPKISHA256 string // hex
}

// AnchorSubject is what an anchor of a verified record is about: its
// statement, signed by the record key, under the record's own root, complete
// when the journal ended.
func (v *Verified) AnchorSubject() (anchor.Subject, error) {
	root := v.Request.Root
	for _, i := range v.Issued {
		if i.Authority == plan.RootAuthority {
			root = i.Certificate
		}
	}
	entries, err := journal.Verify(v.Record.Files[record.Journal])
	if err != nil {
		return anchor.Subject{}, err
	}
	slot, err := onlyCertificate(v.Record.Files[record.RecordSlotFile])
	if err != nil {
		return anchor.Subject{}, err
	}
	key, ok := slot.PublicKey.(*ecdsa.PublicKey)
	if !ok || root == nil {
		return anchor.Subject{}, errors.New("the record holds no root certificate, or a record key that is not ECDSA")
	}
	return anchor.Subject{
		Envelope: v.Record.Signatures[record.RecordKeyFile], Key: key, Root: root, Complete: entries[len(entries)-1].Time,
	}, nil
}

// anchored checks every anchor. Where there is none, nothing is claimed.
func (v *verifier) anchored() (string, error) {
	if len(v.Record.Anchors) == 0 {
		return "", nil
	}
	subject, err := v.AnchorSubject()
	if err != nil {
		return "", err
	}
	for _, name := range courier.Names(v.Record.Anchors) {
		in := record.AnchorsDir + "/" + name + "/"
		a, err := anchor.Verify(name, v.Record.Anchors[name], subject)
		if err != nil {
			return "", fmt.Errorf("%s: %w", strings.TrimSuffix(in, "/"), err)
		}
		if err := v.claimAnchor(in, a); err != nil {
			return "", fmt.Errorf("%s%s: %w", in, anchor.LogKeyFile, err)
		}
		v.Anchors = append(v.Anchors, a)
	}
	return "", nil
}

// claimAnchor says what an anchor proves. Its log entry is worth what is known
// of the log's key.
func (v *verifier) claimAnchor(in string, a *anchor.Anchor) error {
	entry := fmt.Sprintf("the record key's signature is entry %d of the log %s", a.Index, a.Origin)
	proof := fmt.Sprintf("%s%s: its inclusion in a tree of %d entries, and a checkpoint under the key that ", in, anchor.BundleFile, a.Size)
	logged := Claim{Text: entry}
	pin := v.pinOf(a)
	switch {
	case pin != "":
		logged.By = proof + "the record's plan pins for " + pin
	case v.trusts(a):
		logged.By = proof + "the given trusted root has for it"
	case v.Logs != nil:
		return fmt.Errorf("neither the record's plan nor the given trusted root has this key (SHA-256 %s) for the log %s", a.LogKey, a.Origin)
	default:
		logged.By, logged.People = fmt.Sprintf("who anchored it: the record's plan does not name the key of this log (SHA-256 %s); a trusted root that does proves it (--trusted-root)", a.LogKey), true
	}
	v.Claims = append(v.Claims, Claim{
		Text: "the record existed on or before " + a.Time.Format(time.RFC3339),
		By:   fmt.Sprintf("%s%s: a timestamp of %s, under the record's root and not before the journal's end", in, anchor.TimestampFile, a.TSA),
	})
	if logged.People {
		v.unpinned = append(v.unpinned, logged)
	} else {
		v.Claims = append(v.Claims, logged)
	}
	return nil
}

// pinOf names the generation of a log whose key the record's plan pins.
func (v *verifier) pinOf(a *anchor.Anchor) string {
	logs := v.Request.Plan.Logs
	for _, name := range courier.Names(logs) {
		for _, g := range logs[name].Generations {
			if logs[name].Kind == plan.RekorV2 && logs[name].Origin == a.Origin && strings.EqualFold(g.SPKISHA256, a.LogKey) {
				return fmt.Sprintf("%s g%d", name, g.Generation)
			}
		}
	}
	return ""
}

func (v *verifier) trusts(a *anchor.Anchor) bool {
	for _, k := range v.Logs {
		if k.Origin == a.Origin && strings.EqualFold(k.SPKISHA256, a.LogKey) {
			return true
		}
	}
	return false
}
