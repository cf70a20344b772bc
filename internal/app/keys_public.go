package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Files of a public key.
const (
	publicFile   = "key.pem"
	verifierFile = "vkey"
)

// ExportKeys writes the public keys of the named logs and applications, or of
// all, as PEM beside their evidence; logs get their verifier string too. A key
// that is there already is held against KMS and kept. Nothing is written
// unless every key could be read.
//
// An application's key is entered into the ledger here, once the plan pins it:
// nothing about it is left to decide, whereas a log's key waits for AddLog,
// which decides from when on it counts.
func (d *Directory) ExportKeys(ctx context.Context, client *kms.Client, names []string, now time.Time) ([]Exported, error) {
	keys, err := d.chosen(names, "logs", "apps")
	if err != nil {
		return nil, err
	}
	done, err := d.readAll(ctx, keys, func(k kms.Planned) (read, error) { return d.public(ctx, client, k, now) })
	if err != nil {
		return done, err
	}
	return done, d.enterApps(keys, now)
}

func (d *Directory) public(ctx context.Context, client *kms.Client, k kms.Planned, now time.Time) (read, error) {
	if err := unmade(k); err != nil {
		return read{}, err
	}
	dir := generationDir(k.Kind, k.Name, k.Generation)
	names := []string{publicFile, evidenceFile}
	if k.Kind == "logs" {
		names = append(names, verifierFile)
	}
	there, err := d.present(dir, names...)
	if err != nil {
		return read{}, err
	}
	key, err := client.Key(ctx, k.ARN)
	if err != nil {
		return read{}, err
	}
	if err := errors.Join(checkPlanned(k, key.SPKISHA256()), kms.CheckKey(key, k.Algorithm, k.Role)); err != nil {
		return read{}, err
	}
	r := read{Exported: exportedOf(k, dir, key.ARN, key.SPKISHA256())}
	files := map[string][]byte{}
	if files[publicFile], err = pki.EncodePublicKey(key.PublicKey); err != nil {
		return read{}, err
	}
	if k.Kind == "logs" {
		log := d.Plan.Logs[k.Name]
		c, err := checkpoint.New(log.Kind, log.Origin, key.PublicKey)
		if err != nil {
			return read{}, err
		}
		r.describe(c)
		files[verifierFile] = []byte(c.Verifier() + "\n")
	}
	if there {
		return r, d.keptKey(dir, key.SPKISHA256())
	}
	files[evidenceFile], err = stampOf(ctx, client, key, now)
	r.files = files
	return r, err
}

// keptKey holds a key that an earlier run wrote against what KMS says now.
func (d *Directory) keptKey(dir, spki string) error {
	data, err := fs.ReadFile(d.FS(), dir+"/"+publicFile)
	if err != nil {
		return err
	}
	there, err := PublicKeyDigest(data)
	if err == nil && there != spki {
		err = fmt.Errorf("it holds the key %s, KMS says %s", groups(there), groups(spki))
	}
	if err != nil {
		return fault.New(fault.Verification, "restore the file from version control, and find out who changed it", fmt.Errorf("%s/%s: %w", dir, publicFile, err))
	}
	return nil
}

// enterApps appends the applications' generations that the ledger lacks.
func (d *Directory) enterApps(keys []kms.Planned, now time.Time) error {
	var entries []ledger.Entry
	for _, k := range keys {
		if k.Kind != "apps" || k.SPKISHA256 == "" || k.Generation <= len(d.State.Apps[k.Name]) {
			continue
		}
		path := generationDir(k.Kind, k.Name, k.Generation) + "/" + publicFile
		data, err := fs.ReadFile(d.FS(), path)
		if err != nil {
			return err
		}
		entries = append(entries, ledger.Entry{App: &ledger.App{
			Name: k.Name, Generation: k.Generation, SPKISHA256: k.SPKISHA256, File: fileOf(path, data),
		}})
	}
	if len(entries) == 0 {
		return nil
	}
	return d.append(now, entries...)
}

// CheckCopy holds a copy of a public key that somebody has baked in, PEM or
// JSON, against what KMS says of the plan's log or application; without a name
// it must be the newest key of any of them. It writes nothing.
func (d *Directory) CheckCopy(ctx context.Context, client *kms.Client, name string, data []byte) (Exported, error) {
	digest, err := PublicKeyDigest(data)
	if err != nil {
		return Exported{}, fault.New(fault.Verification, "give a public key in PEM, or a key.json", err)
	}
	var names []string
	if name != "" {
		names = append(names, name)
	}
	keys, err := d.chosen(names, "logs", "apps")
	if err != nil {
		return Exported{}, err
	}
	var errs []error
	var found *kms.Planned
	for _, k := range keys {
		if err := unmade(k); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k, err))
			continue
		}
		key, err := client.Key(ctx, k.ARN)
		if err == nil {
			err = checkPlanned(k, key.SPKISHA256())
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", k, err))
			continue
		}
		if key.SPKISHA256() == digest {
			found = &k
		}
	}
	if found == nil {
		if len(errs) > 0 {
			return Exported{}, fault.New(worst(errs), "", errors.Join(errs...))
		}
		return Exported{}, fault.New(fault.Verification, "replace the copy with what `trustroot kms export` writes, and find out where it came from",
			fmt.Errorf("the copy holds the key %s, which is no key of %s", groups(digest), wanted(name)))
	}
	if last := d.newestOf(*found); found.Generation != last {
		return Exported{}, fault.New(fault.Verification, "bake in the newest key, and keep the old one only for what it has signed",
			fmt.Errorf("the copy is of %s, and generation %d is the newest", found, last))
	}
	return exportedOf(*found, generationDir(found.Kind, found.Name, found.Generation), found.ARN, digest), nil
}

func wanted(name string) string {
	if name == "" {
		return "the plan's logs and applications"
	}
	return name
}

func (d *Directory) newestOf(k kms.Planned) int {
	var g plan.Generation
	if k.Kind == "logs" {
		g = newest(d.Plan.Logs[k.Name].Generations)
	} else {
		g = newest(d.Plan.Apps[k.Name].Generations)
	}
	return g.Generation
}

// PublicKeyDigest is the SPKI SHA-256 of a public key, hex.
func PublicKeyDigest(data []byte) (string, error) {
	public, err := ParsePublicKey(data)
	if err != nil {
		return "", err
	}
	return pki.SPKISHA256(public)
}
