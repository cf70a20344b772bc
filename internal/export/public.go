package export

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/logkey"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/ledger"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Keys writes the public keys of the named logs and applications, or of
// all, as PEM beside their evidence; logs get their verifier string too. A key
// that is there already is held against KMS and kept. Nothing is written
// unless every key could be read.
//
// An application's key is entered into the ledger here, once the plan pins it:
// nothing about it is left to decide, whereas a log's key waits for AddLog,
// which decides from when on it counts.
func Keys(d *trustdir.Dir, ctx context.Context, client *kms.Client, names []string, now time.Time) ([]Exported, error) {
	keys, err := chosen(d, names, "logs", "apps")
	if err != nil {
		return nil, err
	}
	done, err := readAll(d, ctx, keys, func(k kms.Planned) (read, error) { return public(d, ctx, client, k, now) })
	if err != nil {
		return done, err
	}
	return done, enterApps(d, keys, now)
}

func public(d *trustdir.Dir, ctx context.Context, client *kms.Client, k kms.Planned, now time.Time) (read, error) {
	if err := unmade(k); err != nil {
		return read{}, err
	}
	dir := trustdir.GenerationDir(k.Kind, k.Name, k.Generation)
	names := []string{trustdir.PublicFile, trustdir.EvidenceFile}
	if k.Kind == "logs" {
		names = append(names, trustdir.VerifierFile)
	}
	there, err := present(d, dir, names...)
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
	if files[trustdir.PublicFile], err = pki.EncodePublicKey(key.PublicKey); err != nil {
		return read{}, err
	}
	if k.Kind == "logs" {
		log := d.Plan.Logs[k.Name]
		log.Origin, _ = d.Plan.PlaceOf(k.Name, k.Generation)
		c, err := checkpoint.New(log.Kind, log.Origin, key.PublicKey)
		if err != nil {
			return read{}, err
		}
		r.describe(c)
		files[trustdir.VerifierFile] = []byte(c.Verifier() + "\n")
	}
	if there {
		return r, keptKey(d, dir, key.SPKISHA256())
	}
	evidence, err := client.Evidence(ctx, key, now)
	if err != nil {
		return read{}, err
	}
	files[trustdir.EvidenceFile], err = evidence.Marshal()
	r.files = files
	return r, err
}

// keptKey holds a key that an earlier run wrote against what KMS says now.
func keptKey(d *trustdir.Dir, dir, spki string) error {
	data, err := fs.ReadFile(d.FS(), dir+"/"+trustdir.PublicFile)
	if err != nil {
		return err
	}
	there, err := logkey.PublicKeyDigest(data)
	if err == nil && there != spki {
		err = fmt.Errorf("it holds the key %s, KMS says %s", trustdir.Groups(there), trustdir.Groups(spki))
	}
	if err != nil {
		return fault.New(fault.Verification, "restore the file from version control, and find out who changed it", fmt.Errorf("%s/%s: %w", dir, trustdir.PublicFile, err))
	}
	return nil
}

// enterApps appends the applications' generations that the ledger lacks.
func enterApps(d *trustdir.Dir, keys []kms.Planned, now time.Time) error {
	var entries []ledger.Entry
	for _, k := range keys {
		if k.Kind != "apps" || k.SPKISHA256 == "" || k.Generation <= len(d.State.Apps[k.Name]) {
			continue
		}
		path := trustdir.GenerationDir(k.Kind, k.Name, k.Generation) + "/" + trustdir.PublicFile
		data, err := fs.ReadFile(d.FS(), path)
		if err != nil {
			return err
		}
		entries = append(entries, ledger.Entry{App: &ledger.App{
			Name: k.Name, Generation: k.Generation, SPKISHA256: k.SPKISHA256, File: trustdir.FileOf(path, data),
		}})
	}
	if len(entries) == 0 {
		return nil
	}
	return d.Append(now, entries...)
}

// CheckCopy holds a copy of a public key that somebody has baked in, PEM or
// JSON, against what KMS says of the plan's log or application; without a name
// it must be the newest key of any of them. It writes nothing.
func CheckCopy(d *trustdir.Dir, ctx context.Context, client *kms.Client, name string, data []byte) (Exported, error) {
	digest, err := logkey.PublicKeyDigest(data)
	if err != nil {
		return Exported{}, fault.New(fault.Verification, "give a public key in PEM, or a key.json", err)
	}
	var names []string
	if name != "" {
		names = append(names, name)
	}
	keys, err := chosen(d, names, "logs", "apps")
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
			return Exported{}, fault.New(trustdir.Worst(errs), "", errors.Join(errs...))
		}
		return Exported{}, fault.New(fault.Verification, "replace the copy with what `trustroot kms export` writes, and find out where it came from",
			fmt.Errorf("the copy holds the key %s, which is not a key of %s", trustdir.Groups(digest), cmp.Or(name, "the plan's logs and applications")))
	}
	if last := newestOf(d, *found); found.Generation != last {
		return Exported{}, fault.New(fault.Verification, "bake in the newest key, and keep the old one only for what it has signed",
			fmt.Errorf("the copy is of %s, and generation %d is the newest", found, last))
	}
	return exportedOf(*found, trustdir.GenerationDir(found.Kind, found.Name, found.Generation), found.ARN, digest), nil
}

func newestOf(d *trustdir.Dir, k kms.Planned) int {
	var g plan.Generation
	if k.Kind == "logs" {
		g = trustdir.Newest(d.Plan.Logs[k.Name].Generations)
	} else {
		g = trustdir.Newest(d.Plan.Apps[k.Name].Generations)
	}
	return g.Generation
}
