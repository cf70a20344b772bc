package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki/checkpoint"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func newLogCmd(f *factory) *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "Checkpoint keys of transparency logs", RunE: help}
	cmd.AddCommand(newLogKeyCmd(f, runLogKey), newLogAddCmd(f, runLogAdd))
	return cmd
}

type logKeyOptions struct {
	*factory
	key    string
	origin string
	kind   string
	url    string
}

func newLogKeyCmd(f *factory, run func(context.Context, *logKeyOptions) error) *cobra.Command {
	o := &logKeyOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "key KEY",
		Short: "Show the log ID, key hash and verifier string of a checkpoint key",
		Long: "KEY is a file with a public key (PEM, key.json, or what aws kms get-public-key\n" +
			"prints), or a key in KMS: an ARN, a key ID, alias/NAME, or one of these after\n" +
			"awskms:///. A key that some client cannot verify with is refused.\n\n" +
			"In a trust directory the plan's log of that origin or key is compared, and what\n" +
			"differs is a warning; without one, --url names the log's base URL.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.key = args[0]
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.origin, "origin", "", "origin: the first line of the log's checkpoints")
	cmd.Flags().StringVar(&o.kind, "kind", plan.RekorV2, plan.RekorV2+" or "+plan.StaticCT)
	cmd.Flags().StringVar(&o.url, "url", "", "base URL of the log, to compare the origin with")
	return cmd
}

// checkpointKey is what `log key` prints.
type checkpointKey struct {
	Kind     string   `json:"kind"`
	Origin   string   `json:"origin"`
	LogID    string   `json:"log_id"`     // base64
	LogIDHex string   `json:"log_id_hex"` // SHA-256 of the SPKI
	KeyHash  string   `json:"key_hash"`   // hex, 4 bytes
	Verifier string   `json:"verifier"`
	PEM      string   `json:"pem"`
	Warnings []string `json:"warnings,omitempty"`
}

func runLogKey(ctx context.Context, o *logKeyOptions) error {
	if o.origin == "" {
		return usage("name the log's origin, for instance --origin rekor.example.com", "--origin is missing")
	}
	pub, err := o.publicKey(ctx, o.key)
	if err != nil {
		return err
	}
	key, err := app.NewCheckpointKey(o.kind, o.origin, pub)
	if err != nil {
		return err
	}
	text, err := key.PEM()
	if err != nil {
		return err
	}
	warnings, err := o.warnings(key)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		o.progress("warning: %s", w)
	}
	id := key.LogID()
	k := checkpointKey{
		Kind: o.kind, Origin: o.origin, LogID: base64.StdEncoding.EncodeToString(id[:]), LogIDHex: fmt.Sprintf("%x", id),
		KeyHash: fmt.Sprintf("%08x", key.Hash()), Verifier: key.Verifier(), PEM: string(text), Warnings: warnings,
	}
	if o.json {
		return printJSON(o.out, k)
	}
	return printText(o.out, fmt.Sprintf("origin    %s\nlog ID    %s\n          %s\nkey hash  %s\nverifier  %s\n%s",
		k.Origin, k.LogID, k.LogIDHex, k.KeyHash, k.Verifier, k.PEM))
}

// warnings compares the key with the base URL that was given and, in a trust
// directory, with the plan's logs.
func (o *logKeyOptions) warnings(key checkpoint.Key) ([]string, error) {
	var warnings []string
	if o.url != "" {
		if err := checkpoint.CheckURL(key.Kind, key.Origin, o.url); err != nil {
			warnings = append(warnings, err.Error())
		}
	}
	if _, err := os.Stat(filepath.Join(o.dir, app.PlanFile)); errors.Is(err, fs.ErrNotExist) {
		return warnings, nil
	}
	d, err := app.Open(o.dir)
	if err != nil {
		return nil, err
	}
	return append(warnings, app.OriginWarnings(d.Plan, key)...), nil
}

// publicKey reads a key from a file, or from KMS where no file has the name
// and it is a key reference.
func (f *factory) publicKey(ctx context.Context, name string) (any, error) {
	if _, err := os.Stat(name); err == nil {
		data, err := readBounded(name, kms.MaxEvidence)
		if err != nil {
			return nil, err
		}
		pub, err := app.ParsePublicKey(data)
		if err != nil {
			return nil, usage("give a public key in PEM, a key.json, or the answer of aws kms get-public-key", "%s: %w", name, err)
		}
		return pub, nil
	}
	ref, err := kms.ParseRef(name)
	if err != nil {
		return nil, fmt.Errorf("%s is no file and no key in KMS: %w", name, err)
	}
	client, err := f.kmsClient(ctx, "")
	if err != nil {
		return nil, err
	}
	key, err := client.Key(ctx, ref.String())
	if err != nil {
		return nil, err
	}
	return key.PublicKey, nil
}

type logAddOptions struct {
	*factory
	name string
}

func newLogAddCmd(f *factory, run func(context.Context, *logAddOptions) error) *cobra.Command {
	o := &logAddOptions{factory: f}
	return &cobra.Command{
		Use:   "add NAME",
		Short: "Enter the next exported key of a log into the ledger",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.name = args[0]
			return run(c.Context(), o)
		},
	}
}

func runLogAdd(_ context.Context, o *logAddOptions) error {
	d, err := app.Open(o.dir)
	if err != nil {
		return err
	}
	entry, err := d.AddLog(o.name, o.now)
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out, entry)
	}
	o.progress("%s g%d is in the ledger, in use from %s", entry.Name, entry.Generation, entry.Start.Format("2006-01-02 15:04 MST"))
	return nil
}
