package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/linnemanlabs/trustroot/internal/app"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/pki"
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
}

func newLogKeyCmd(f *factory, run func(context.Context, *logKeyOptions) error) *cobra.Command {
	o := &logKeyOptions{factory: f}
	cmd := &cobra.Command{
		Use:   "key KEY",
		Short: "Show the log ID, key hash and verifier string of a checkpoint key",
		Long:  "KEY is a PEM public key, a key.json, or a KMS key: an ARN, alias/NAME or awskms:///….",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.key = args[0]
			return run(c.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.origin, "origin", "", "origin: the first line of the log's checkpoints")
	cmd.Flags().StringVar(&o.kind, "kind", plan.RekorV2, plan.RekorV2+" or "+plan.StaticCT)
	return cmd
}

// checkpointKey is what `log key` prints.
type checkpointKey struct {
	Kind     string `json:"kind"`
	Origin   string `json:"origin"`
	LogID    string `json:"log_id"`     // base64
	LogIDHex string `json:"log_id_hex"` // SHA-256 of the SPKI
	KeyHash  string `json:"key_hash"`   // hex, 4 bytes
	Verifier string `json:"verifier"`
	PEM      string `json:"pem"`
}

func runLogKey(ctx context.Context, o *logKeyOptions) error {
	if o.origin == "" {
		return usage("name the log's origin, for instance --origin rekor.example.com", "--origin is missing")
	}
	pub, err := o.publicKey(ctx, o.key)
	if err != nil {
		return err
	}
	key, err := checkpoint.New(o.kind, o.origin, pub)
	if err != nil {
		return err
	}
	text, err := key.PEM()
	if err != nil {
		return err
	}
	id := key.LogID()
	k := checkpointKey{
		Kind: o.kind, Origin: o.origin, LogID: base64.StdEncoding.EncodeToString(id[:]), LogIDHex: fmt.Sprintf("%x", id),
		KeyHash: fmt.Sprintf("%08x", key.Hash()), Verifier: key.Verifier(), PEM: string(text),
	}
	if o.json {
		return printJSON(o.out, k)
	}
	return printText(o.out, fmt.Sprintf("origin    %s\nlog ID    %s\n          %s\nkey hash  %s\nverifier  %s\n%s",
		k.Origin, k.LogID, k.LogIDHex, k.KeyHash, k.Verifier, k.PEM))
}

// publicKey reads a key from KMS, a key.json or a PEM file.
func (f *factory) publicKey(ctx context.Context, name string) (any, error) {
	if strings.HasPrefix(name, "arn:") || strings.HasPrefix(name, "alias/") || strings.HasPrefix(name, "awskms:") {
		client, err := f.kmsClient(ctx, "")
		if err != nil {
			return nil, err
		}
		key, err := client.Key(ctx, name)
		if err != nil {
			return nil, err
		}
		return key.PublicKey, nil
	}
	data, err := readFile(name)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(data)), "{") {
		evidence, err := kms.ParseEvidence(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		data = []byte(evidence.PublicKey)
	}
	pub, err := pki.ParseAnyPublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return pub, nil
}

type logAddOptions struct {
	*factory
	name string
}

func newLogAddCmd(f *factory, run func(context.Context, *logAddOptions) error) *cobra.Command {
	o := &logAddOptions{factory: f}
	return &cobra.Command{
		Use:   "add NAME",
		Short: "Enter the newest key of a log into the ledger",
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
