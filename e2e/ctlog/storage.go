package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/tessera"
	tposix "github.com/transparency-dev/tessera/storage/posix"
	antispam "github.com/transparency-dev/tessera/storage/posix/antispam"
	"github.com/transparency-dev/tesseract/storage"
	"github.com/transparency-dev/tesseract/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

// open opens the log in its folder, as upstream's posix program does with its
// defaults.
func (o options) open(ctx context.Context, signer note.Signer) (*storage.CTStorage, error) {
	if o.storage == "" {
		return nil, errors.New("-storage_dir is missing")
	}
	driver, err := tposix.New(ctx, tposix.Config{Path: o.storage})
	if err != nil {
		return nil, fmt.Errorf("open the log in %s: %w", o.storage, err)
	}
	seen, err := antispam.NewAntispam(ctx, filepath.Join(o.storage, ".state", "antispam"),
		antispam.AntispamOpts{PushbackThreshold: antispam.DefaultPushbackThreshold})
	if err != nil {
		return nil, fmt.Errorf("open the log's index: %w", err)
	}
	appending := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCTLayout().
		WithAntispam(256_000, seen).
		WithCheckpointInterval(time.Second)
	if o.witnesses != "" {
		policy, err := os.ReadFile(o.witnesses)
		if err != nil {
			return nil, fmt.Errorf("read the witness policy: %w", err)
		}
		group, err := tessera.NewWitnessGroupFromPolicy(policy)
		if err != nil {
			return nil, fmt.Errorf("read the witness policy: %w", err)
		}
		appending.WithWitnesses(group, &tessera.WitnessOptions{FailOpen: true, Timeout: o.timeout})
	}
	appender, _, reader, err := tessera.NewAppender(ctx, driver, appending)
	if err != nil {
		return nil, fmt.Errorf("begin to append: %w", err)
	}
	issuers, err := posix.NewIssuerStorage(ctx, o.storage)
	if err != nil {
		return nil, fmt.Errorf("open the issuers' folder: %w", err)
	}
	return storage.NewCTStorage(ctx, &storage.CTStorageOptions{
		Appender: appender, Reader: reader, IssuerStorage: issuers, EnableAwaiter: true,
	})
}
