package rehearsal

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/durable"
	"github.com/linnemanlabs/trustroot/internal/trustdir"
	"github.com/linnemanlabs/trustroot/kms/local"
	"github.com/linnemanlabs/trustroot/yubikey/virtual"
)

// startTokens plugs in the root's token and the holder's, of one maker.
func startTokens(ctx context.Context, r *Rehearsal) error {
	type plugged struct {
		serial uint32
		state  string
	}
	tokens := []plugged{{Serial, tokenState}, {HolderSerial, otherState}}
	if _, err := os.Lstat(r.in(standbyState)); r.Standby || err == nil {
		tokens = append(tokens, plugged{StandbySerial, standbyState})
	}
	for _, spare := range r.Spares {
		tokens = append(tokens, plugged{spare, fmt.Sprintf("rehearsal/spare-%d.json", spare)})
	}
	for _, token := range tokens {
		meter := r.tally.meter(token.serial)
		o := virtual.Options{
			Serial: token.serial, StateFile: r.in(token.state), Log: meter, OnTouch: meter.touch,
			Touch: virtual.Touch{Mode: virtual.TouchDelayed, Delay: time.Millisecond},
		}
		if len(r.cards) > 0 {
			o.Sibling = r.cards[0]
		}
		card, err := virtual.New(o)
		if err != nil {
			return err
		}
		r.cards = append(r.cards, card)
	}
	var err error
	if r.readers, err = virtual.Start(ctx, "", r.cards...); err != nil {
		return err
	}
	// libpcsclite reads it when the first command opens a token
	return os.Setenv("PCSCLITE_CSOCK_NAME", r.readers.Socket())
}

// startKMS starts the stand-in, with the keys that it has, unless another KMS
// was named.
func startKMS(ctx context.Context, r *Rehearsal) error {
	if r.KMS != "" {
		return os.Setenv("AWS_ENDPOINT_URL_KMS", r.KMS)
	}
	server, err := local.Start(ctx, local.Options{Addr: "127.0.0.1:0", StateFile: r.in(kmsState)})
	if err != nil {
		return err
	}
	r.kms = server
	for _, variable := range server.Env() {
		name, value, _ := strings.Cut(variable, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// createKeys makes the keys, and pins them as a second person with other
// credentials does on a real day.
func createKeys(ctx context.Context, r *Rehearsal) error {
	return r.each(ctx, []string{"kms", "create", "--write"}, []string{"kms", "list", "--pin", "--write"})
}

func (r *Rehearsal) savePlan(text []byte) error {
	r.say("    pki.yaml: %s", r.in(trustdir.PlanFile))
	return durable.Replace(r.in(trustdir.PlanFile), text, 0o644)
}

// served serves the repository on loopback while look runs.
func served(r *Rehearsal, look func(url string) error) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve the repository: %w", err)
	}
	server := &http.Server{Handler: http.FileServerFS(os.DirFS(r.in("tuf"))), ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	defer server.Close()      //nolint:errcheck // nothing is written
	return look("http://" + listener.Addr().String())
}
