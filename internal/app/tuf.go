package app

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/tuf"
	"github.com/linnemanlabs/trustroot/pki/tuf/store"
)

// LedgerHeadTarget is the target that carries the ledger's head, so that a
// ledger that was cut or rewritten later is found out.
const LedgerHeadTarget = "ledger-head.json"

// ledgerHead is the content of LedgerHeadTarget.
type ledgerHead struct {
	Entries int    `json:"entries"`
	Head    string `json:"head"` // hex SHA-256 of the last line
}

// StageTUF stages the first root and targets into staged/0001.
func (d *Directory) StageTUF(ctx context.Context, client *kms.Client, now time.Time) (*tuf.Staged, error) {
	policy, _, err := d.policy(ctx, client)
	if err != nil {
		return nil, err
	}
	targets, err := d.targets()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.join("staged"), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of staged changes: %w", err)
	}
	return tuf.StageInit(d.join("staged/0001"), policy, targets, now)
}

// PublishTUF merges a staged change, has the online key sign snapshot and
// timestamp, and publishes.
func (d *Directory) PublishTUF(ctx context.Context, client *kms.Client, staged, to string, now time.Time) (p *tuf.Published, err error) {
	s, err := tuf.OpenStaged(staged)
	if err != nil {
		return nil, err
	}
	if !s.Sealed() {
		if err := s.Merge(); err != nil {
			return nil, err
		}
	}
	policy, online, err := d.policy(ctx, client)
	if err != nil {
		return nil, err
	}
	place, err := store.Open(ctx, to)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	return tuf.Publish(ctx, s, place, client.Signer(ctx, online), policy, now)
}

// policy joins the plan's tuf block with the holders' keys on file and the
// online key in KMS.
func (d *Directory) policy(ctx context.Context, client *kms.Client) (tuf.Policy, *kms.Key, error) {
	if d.Plan.TUF == nil {
		return tuf.Policy{}, nil, fault.New(fault.Usage, "add a tuf block to the plan", errors.New("the plan says nothing of a TUF repository"))
	}
	holders := map[string]*ecdsa.PublicKey{}
	for name := range d.Plan.Holders {
		data, err := fs.ReadFile(d.FS(), "holders/"+name+"/key.pem")
		if errors.Is(err, fs.ErrNotExist) {
			continue // the policy names those that it misses
		}
		if err != nil {
			return tuf.Policy{}, nil, fmt.Errorf("read the key of holder %s: %w", name, err)
		}
		if holders[name], err = pki.ParsePublicKey(data); err != nil {
			return tuf.Policy{}, nil, fmt.Errorf("key of holder %s: %w", name, err)
		}
	}
	online, err := client.Key(ctx, d.Plan.TUF.OnlineKey.Key)
	if err != nil {
		return tuf.Policy{}, nil, err
	}
	if err := checkPin("tuf-online", d.Plan.TUF.OnlineKey, online.SPKISHA256()); err != nil {
		return tuf.Policy{}, nil, err
	}
	policy, err := tuf.FromPlan(d.Plan, holders, online.PublicKey)
	if err != nil {
		return tuf.Policy{}, nil, fault.New(fault.Usage, "have each holder join with `trustroot tuf join`", err)
	}
	return policy, online, nil
}

// targets are the files of trust/ under the names that clients ask for.
func (d *Directory) targets() (tuf.Targets, error) {
	t := tuf.Targets{Files: map[string][]byte{}}
	for name, path := range map[string]string{
		tuf.TrustedRootName:   TrustedRootFile,
		tuf.SigningConfigName: SigningConfigFile,
	} {
		data, err := fs.ReadFile(d.FS(), path)
		if err != nil {
			return t, fault.New(fault.Failure, "build it first with `trustroot trusted-root build` and `trustroot signing-config build`", fmt.Errorf("read %s: %w", path, err))
		}
		t.Files[name] = data
	}
	for _, folder := range []string{"certs", "keys"} {
		found, err := filepath.Glob(d.join("trust/" + folder + "/*"))
		if err != nil {
			return t, err
		}
		slices.Sort(found)
		for _, path := range found {
			data, err := os.ReadFile(path)
			if err != nil {
				return t, fmt.Errorf("read a target: %w", err)
			}
			t.Files[folder+"/"+filepath.Base(path)] = data
		}
	}
	head, err := json.Marshal(ledgerHead{Entries: d.State.Entries, Head: d.State.Head})
	if err != nil {
		return t, err
	}
	t.Files[LedgerHeadTarget] = append(head, '\n')
	return t, nil
}

// Holder returns what the plan says of a holder.
func (d *Directory) Holder(name string) (token uint32, slot string, err error) {
	h, ok := d.Plan.Holders[name]
	if !ok {
		return 0, "", fault.New(fault.Usage, "name a holder of the plan: "+strings.Join(d.holderNames(), ", "), fmt.Errorf("the plan has no holder %q", name))
	}
	return h.Token, h.Slot, nil
}

func (d *Directory) holderNames() []string {
	var names []string
	for name := range d.Plan.Holders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
