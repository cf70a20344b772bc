package main

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/testpki/sigstore"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/pki"
	"github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// harbour stands in for a rehearsal's timestamp authority and Rekor v2, under
// the keys of its KMS:
//
//	harbour [--other-root] [--other-entry] [--early] DIR COMMAND...
//
// runs a command beside them, their addresses in TSA and REKOR. The log lasts
// as long as the command.
func harbour() {
	if err := runHarbour(context.Background(), os.Args[1:]); err != nil {
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			os.Exit(failed.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "harbour:", err)
		os.Exit(125)
	}
}

func runHarbour(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("harbour", flag.ContinueOnError)
	otherRoot := flags.Bool("other-root", false, "a timestamp authority of somebody else")
	otherEntry := flags.Bool("other-entry", false, "a log that answers with the entry before")
	early := flags.Bool("early", false, "a timestamp authority whose clock is a minute behind")
	if err := flags.Parse(args); err != nil {
		return err
	}
	server, err := local.Start(ctx, local.Options{StateFile: filepath.Join(flags.Arg(0), "rehearsal", "kms.json")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	services, err := harbourServices(ctx, flags.Arg(0), server.Env())
	if err != nil {
		return err
	}
	stamps := services
	if *otherRoot {
		if stamps, _, err = sigstore.Fresh("rekor.example.org", time.Now()); err != nil {
			return err
		}
	}
	tsa := httptest.NewServer(sigstore.TimestampHandler(stamps, func() time.Time {
		if *early {
			return time.Now().Add(-time.Minute)
		}
		return time.Now()
	}))
	defer tsa.Close()
	log := sigstore.NewLog(services)
	if _, err := log.Add([]byte(`{"apiVersion":"0.0.2","kind":"hashedrekord"}`)); err != nil {
		return err
	}
	var answers http.Handler = log
	if *otherEntry {
		answers = swapEntry(log)
	}
	rekor := httptest.NewServer(answers)
	defer rekor.Close()
	cmd := exec.CommandContext(ctx, flags.Arg(1), flags.Args()[2:]...) // #nosec G204 -- a test's command
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "TSA="+tsa.URL, "REKOR="+rekor.URL)
	return cmd.Run()
}

// harbourServices are the rehearsal's timestamp authority and log.
func harbourServices(ctx context.Context, dir string, env []string) (*world.Services, error) {
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	d, err := trustdir.Open(dir)
	if err != nil {
		return nil, err
	}
	client, err := kms.New(ctx, kms.Options{})
	if err != nil {
		return nil, err
	}
	signer := func(arn string) (crypto.Signer, error) {
		key, err := client.Key(ctx, arn)
		if err != nil {
			return nil, err
		}
		return client.Signer(ctx, key), nil
	}
	s := &world.Services{RekorOrigin: d.Plan.Logs["rekor"].Origin}
	leaf, errF := os.ReadFile(filepath.Join(dir, "authorities/tsa/g1/certificate.pem"))
	var errC, errT, errR error
	s.TSA, errC = pki.ParseCertificate(leaf)
	s.TSAKey, errT = signer(d.Plan.Authorities["tsa"].Generations[0].Key)
	s.RekorKey, errR = signer(d.Plan.Logs["rekor"].Generations[0].Key)
	return s, errors.Join(errF, errC, errT, errR)
}

// swapEntry answers with the body of the entry before the one that was made.
func swapEntry(log http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		log.ServeHTTP(answer, r)
		var m map[string]any
		if err := json.Unmarshal(answer.Body.Bytes(), &m); err == nil {
			m["canonicalizedBody"] = []byte(`{"apiVersion":"0.0.2","kind":"hashedrekord"}`)
		}
		w.WriteHeader(answer.Code)
		json.NewEncoder(w).Encode(m)
	})
}
