package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Exported is one key that was written to the trust directory.
type Exported struct {
	Name       string `json:"name"`
	Generation int    `json:"generation"`
	ARN        string `json:"arn"`
	SPKISHA256 string `json:"spki_sha256"`
	Dir        string `json:"dir"`                // slash-separated, in the trust directory
	LogID      string `json:"log_id,omitempty"`   // base64, logs only
	KeyHash    string `json:"key_hash,omitempty"` // hex, logs only
	Verifier   string `json:"verifier,omitempty"` // logs only
}

// ExportCSRs has KMS sign a certification request for the newest generation
// of the named authorities, or of all whose key is in KMS, and writes each
// beside its evidence.
func (d *Directory) ExportCSRs(ctx context.Context, client *kms.Client, names []string, now time.Time) ([]Exported, error) {
	if len(names) == 0 {
		for name, a := range d.Plan.Authorities {
			if a.Token == nil && newest(a.Generations).Key != "external" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
	}
	var files []file
	var done []Exported
	var errs []error
	for _, name := range names {
		a, ok := d.Plan.Authorities[name]
		if !ok || a.Token != nil {
			errs = append(errs, fault.New(fault.Usage, "name an authority of the plan whose key is in KMS", fmt.Errorf("%s is none", name)))
			continue
		}
		g := newest(a.Generations)
		csr, evidence, err := client.CSR(ctx, g.Key, a.Subject, now)
		if err == nil {
			err = checkPin(name, g, evidence.SPKISHA256)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		key, err := evidence.Marshal()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		dir := generationDir("authorities", name, g.Generation)
		files = append(files, file{dir + "/request.csr", csr}, file{dir + "/key.json", key})
		done = append(done, Exported{Name: name, Generation: g.Generation, ARN: evidence.ARN, SPKISHA256: evidence.SPKISHA256, Dir: dir})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return done, d.writeNew(files...)
}

// ExportKeys writes the public keys of the named logs and applications, or of
// all, as PEM beside their evidence; logs get their verifier string too.
func (d *Directory) ExportKeys(ctx context.Context, client *kms.Client, names []string, now time.Time) ([]Exported, error) {
	if len(names) == 0 {
		names = append(slices.Sorted(maps.Keys(d.Plan.Logs)), slices.Sorted(maps.Keys(d.Plan.Apps))...)
	}
	var files []file
	var done []Exported
	var errs []error
	for _, name := range names {
		e, written, err := d.exportKey(ctx, client, name, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		files = append(files, written...)
		done = append(done, e)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return done, d.writeNew(files...)
}

func (d *Directory) exportKey(ctx context.Context, client *kms.Client, name string, now time.Time) (Exported, []file, error) {
	log, isLog := d.Plan.Logs[name]
	app, isApp := d.Plan.Apps[name]
	var g plan.Generation
	dir := "apps"
	switch {
	case isLog:
		g, dir = newest(log.Generations), "logs"
	case isApp:
		g = newest(app.Generations)
	default:
		return Exported{}, nil, fault.New(fault.Usage, "name a log or an application of the plan", errors.New("no such key"))
	}
	dir = generationDir(dir, name, g.Generation)
	key, err := client.Key(ctx, g.Key)
	if err != nil {
		return Exported{}, nil, err
	}
	if err := checkPin(name, g, key.SPKISHA256()); err != nil {
		return Exported{}, nil, err
	}
	public, err := pki.EncodePublicKey(key.PublicKey)
	if err != nil {
		return Exported{}, nil, err
	}
	evidence, err := client.Evidence(ctx, key, now)
	if err != nil {
		return Exported{}, nil, err
	}
	text, err := evidence.Marshal()
	if err != nil {
		return Exported{}, nil, err
	}
	e := Exported{Name: name, Generation: g.Generation, ARN: key.ARN, SPKISHA256: key.SPKISHA256(), Dir: dir}
	files := []file{{dir + "/key.pem", public}, {dir + "/key.json", text}}
	if isLog {
		c, err := checkpoint.New(log.Kind, log.Origin, key.PublicKey)
		if err != nil {
			return Exported{}, nil, err
		}
		e.describe(c)
		files = append(files, file{dir + "/vkey", []byte(c.Verifier() + "\n")})
	}
	return e, files, nil
}

func (e *Exported) describe(c checkpoint.Key) {
	id := c.LogID()
	e.LogID = encodeLogID(id)
	e.KeyHash = fmt.Sprintf("%08x", c.Hash())
	e.Verifier = c.Verifier()
}

func newest(g []plan.Generation) plan.Generation { return g[len(g)-1] }

// checkPin holds a key against the plan, where the plan pins one.
func checkPin(name string, g plan.Generation, spki string) error {
	if g.SPKISHA256 == "" || g.SPKISHA256 == spki {
		return nil
	}
	return fault.New(fault.Verification, "find out who changed the key or the plan; do not go on",
		fmt.Errorf("the key of %s g%d has SPKI SHA-256 %s, the plan pins %s", name, g.Generation, groups(spki), groups(g.SPKISHA256)))
}

func groups(hexDigest string) string {
	raw, err := hex.DecodeString(hexDigest)
	if err != nil {
		return hexDigest
	}
	return pki.HexGroups(raw)
}
