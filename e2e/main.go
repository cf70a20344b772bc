package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	programs
	keep  bool
	until string
}

func main() {
	var o options
	for name, file := range map[string]*string{
		"trustroot": &o.trustroot, "kms": &o.kms, "ctlog": &o.ctlog, "measure": &o.measure, "fulcio": &o.fulcio, "tsa": &o.tsa, "rekor": &o.rekor, "posix": &o.posix,
		"omniwitness": &o.omniwitness, "versitygw": &o.gateway, "consumers": &o.consumers, "cosign": &o.cosign, "node": &o.node, "npm": &o.npm, "script": &o.script,
		"mariadb": &o.mariadb, "install-database": &o.installDatabase, "openssl": &o.openssl,
		"source": &o.source, "release": &o.release,
	} {
		flag.StringVar(file, name, "", "path of "+name)
	}
	flag.BoolVar(&o.keep, "keep", false, "leave the folder with all files and logs")
	flag.StringVar(&o.until, "until", "", "say so and wait when this is reached: rehearsal or services")
	flag.Parse()
	os.Exit(run(o))
}

func run(o options) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	s := &suite{out: os.Stdout, progress: os.Stderr, began: time.Now()}
	dir, err := os.MkdirTemp("", "trustroot-e2e-")
	if err != nil {
		return s.end(err)
	}
	marker := os.Getenv(markerName) // of the run that this one is part of
	if marker == "" {
		marker = rand.Text()
	}
	defer func() {
		if o.keep {
			fmt.Fprintln(os.Stderr, "kept", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			code = 1
		}
	}()
	w, err := newWorld(o.programs, dir, marker)
	if err != nil {
		return s.end(err)
	}
	w.remark = func(text string) { fmt.Fprintln(os.Stderr, "      "+text) }
	err = tell(ctx, w, s, o)
	s.step("taking it all down")
	w.close()
	if err == nil && o.until == "" {
		leftovers(ctx, s, dir)
	}
	s.step("done")
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "e2e: interrupted; everything is stopped")
		return 130
	}
	return s.end(err)
}

// tell is the whole story.
func tell(ctx context.Context, w *world, s *suite, o options) error {
	if err := w.up(ctx, s, o); err != nil {
		return err
	}
	s.check(ctx, "services check finds nothing", func(ctx context.Context) error { return w.clean(ctx) })
	w.anchor(ctx, s)
	s.step("the unmodified TesseraCT, and services started wrongly")
	s.check(ctx, "the unmodified TesseraCT, with a key file, takes the rendered roots and origin and answers our chain with a valid SCT", w.upstream)
	if err := w.mistakes(ctx, s); err != nil {
		return err
	}
	s.step("signing and verifying")
	if err := s.must(ctx, "Fulcio starts again, with an identity provider of each type in the plan", w.letWorkflowsSign); err != nil {
		return err
	}
	first, err := w.signAll(ctx, s, 1)
	if err != nil {
		return err
	}
	w.verifyAll(ctx, s, first)
	s.check(ctx, "openssl ts -verify accepts the TSA, and no other artifact", func(ctx context.Context) error {
		return w.timestamp(ctx, "timestamped", filepath.Join(w.trust, "authorities", "root", "g1", "certificate.pem"))
	})
	s.check(ctx, "the bundles pass trusted-root check, and are archived", func(ctx context.Context) error { return w.archive(ctx, first) })
	s.step("the deploy gate")
	w.gate(ctx, s, first)
	w.admits(ctx, s)
	w.released(ctx, s, first)
	if err := w.adoptAndSign(ctx, s); err != nil {
		return err
	}
	second, err := w.renewal(ctx, s, first)
	if err != nil {
		return err
	}
	if err := w.stolen(ctx, s, first, second); err != nil {
		return err
	}
	if err := w.witnessed(ctx, s); err != nil {
		return err
	}
	if err := w.retired(ctx, s); err != nil {
		return err
	}
	s.check(ctx, "nobody asked for a host that is not the plan's, and the proxy would have refused it", func(ctx context.Context) error {
		const stranger = "rekor.sigstore.dev"
		strangers := w.proxy.strangers()
		if len(strangers) > 0 {
			return fmt.Errorf("asked for: %v", strangers)
		}
		if _, err := w.post(ctx, "https://"+stranger, "text/plain", nil); err == nil || !slices.Equal(w.proxy.strangers(), []string{stranger}) {
			return fmt.Errorf("the proxy let %s pass", stranger)
		}
		return nil
	})
	return nil
}

// reached waits for the end where the flags say so: another run of this
// program interrupts it there.
func reached(ctx context.Context, o options, what string) error {
	if o.until != what {
		return nil
	}
	fmt.Println("reached", what)
	<-ctx.Done()
	return ctx.Err()
}

// up brings everything up, from a rehearsal's outputs.
func (w *world) up(ctx context.Context, s *suite, o options) error {
	if err := portFree("2112"); err != nil {
		return err
	}
	s.step("a KMS, an identity provider, a database and a bucket")
	if err := w.startProviders(); err != nil {
		return err
	}
	if err := w.startKMS(ctx); err != nil {
		return err
	}
	prepared := make(chan error, 1)
	go func() { prepared <- w.prepareDatabase(ctx) }()
	s.step("the rehearsal: trustroot rehearse --standby --kms %s", w.kmsURL)
	err := s.must(ctx, "a rehearsal over the KMS of others", func(ctx context.Context) error {
		_, err := w.command(ctx, nil, w.programs.trustroot, "rehearse", "--standby", "--out", w.trust, "--kms", w.kmsURL)
		return err
	})
	if err := errors.Join(err, <-prepared); err != nil {
		return err
	}
	if err := reached(ctx, o, "rehearsal"); err != nil {
		return err
	}
	if err := w.startStorage(ctx); err != nil {
		return err
	}
	w.publish()
	s.step("the services, as services render writes them")
	var rendered map[string]service
	if err := s.must(ctx, "services render all", func(ctx context.Context) (err error) {
		rendered, err = w.render(ctx, "services1", "all")
		return err
	}); err != nil {
		return err
	}
	for _, name := range []string{"tesseract", "rekor", "tsa", "fulcio"} {
		if err := s.must(ctx, name+" starts as rendered", func(ctx context.Context) error {
			err := w.launch(ctx, rendered[name])
			return err
		}); err != nil {
			return err
		}
	}
	if err := reached(ctx, o, "services"); err != nil {
		return err
	}
	return w.begun(ctx, own)
}

// letWorkflowsSign names further identity providers in the plan, as an operator
// does who lets workflows sign, and starts Fulcio on what that renders.
// The next publication brings it to the signing config.
func (w *world) letWorkflowsSign(ctx context.Context) error {
	path := filepath.Join(w.trust, "pki.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const line = `oidc: [{issuer: "https://login.example.com", type: email}]`
	changed, err := replaceOnce(string(data), line, providers)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
		return err
	}
	rendered, err := w.render(ctx, "services-workflows", "fulcio")
	if err != nil {
		return err
	}
	return w.launch(ctx, rendered["fulcio"])
}
