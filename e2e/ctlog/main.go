package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tesseract"
	"k8s.io/klog/v2"

	"github.com/linnemanlabs/trustroot/kms"
)

// options are the flags.
type options struct {
	key, origin, roots, storage, endpoint, prefix, witnesses string

	timeout time.Duration // of the witnesses
}

func main() {
	klog.InitFlags(nil)
	var o options
	flag.StringVar(&o.key, "kms_key", "", "KMS key of the log: its ARN, an alias ARN, or one of these after awskms:///")
	flag.StringVar(&o.origin, "origin", "", "origin of the log's checkpoints")
	flag.StringVar(&o.roots, "roots_pem_file", "", "certificates whose chains are accepted")
	flag.StringVar(&o.storage, "storage_dir", "", "folder of the log")
	flag.StringVar(&o.endpoint, "http_endpoint", "localhost:6962", "address to listen on")
	flag.StringVar(&o.prefix, "path_prefix", "", "path below which submissions are served")
	flag.StringVar(&o.witnesses, "witness_policy_file", "", "policy with the witnesses of the log")
	flag.DurationVar(&o.timeout, "witness_timeout", tessera.DefaultWitnessTimeout, "how long a checkpoint waits for witnesses")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ctlog:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	client, err := kms.New(ctx, kms.Options{})
	if err != nil {
		return err
	}
	key, err := client.Key(ctx, o.key)
	if err != nil {
		return err
	}
	if algorithm := key.Algorithm(); algorithm != "P-256" {
		return fmt.Errorf("the key is %s: a CT log of Fulcio's signs with P-256", algorithm)
	}
	handler, err := tesseract.NewLogHandler(ctx, o.origin, client.Signer(ctx, key),
		tesseract.ChainValidationConfig{RootsPEMFile: o.roots}, o.open, 10*time.Second, false, o.prefix, tesseract.LogHandlerOpts{DedupRL: 100})
	if err != nil {
		return err
	}
	server := &http.Server{Addr: o.endpoint, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
