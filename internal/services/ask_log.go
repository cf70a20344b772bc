package services

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/linnemanlabs/trustroot/pki/plan"
)

// askRekorServer asks the server whether it is there and reads the checkpoint. The
// server takes entries only and answers 501 to whoever reads; what is read
// comes from its bucket or folder, usually behind the same URL (rekor-tiles
// internal/server, CLIENTS.md).
func askRekorServer(ctx context.Context, q *inquiry) {
	at := q.URL + "/healthz"
	health, err := q.web.get(ctx, at, maxAnswer)
	status, refused := errors.AsType[*statusError](err)
	switch {
	case err == nil && bytes.Contains(health, []byte("SERVING")):
	case err == nil || refused && status.code < http.StatusInternalServerError:
		askEntries(ctx, q) // not every proxy lets this path through
	default:
		silence(q, "write path: ", at, err)
	}
	askCheckpoint(ctx, q, plan.RekorV2, "/api/v2/checkpoint", "/checkpoint")
}

// askEntries asks for what Rekor does not give, a list of entries: the server
// says that it takes POST only, where a folder or a bucket finds nothing.
func askEntries(ctx context.Context, q *inquiry) {
	at := q.URL + "/api/v2/log/entries"
	_, err := q.web.get(ctx, at, maxAnswer)
	status, refused := errors.AsType[*statusError](err)
	switch {
	case refused && (status.code == http.StatusMethodNotAllowed || status.code == http.StatusNotImplemented):
	case err != nil:
		silence(q, "write path: ", at, err)
	default:
		unanswered(q, "refused", "look at the service's own log, and whether the URL is its own", "write path: %s gives what Rekor does not give: something else answers", shown(at))
	}
}

// askTesseraCT asks the server for the roots that it accepts and reads the
// checkpoint. The server has the write path alone, ct/v1; what is read comes
// from its storage (tesseract cmd/tesseract/posix).
func askTesseraCT(ctx context.Context, q *inquiry) {
	at := q.URL + "/ct/v1/get-roots"
	data, err := q.web.get(ctx, at, maxRoots)
	if err != nil {
		silence(q, "write path: ", at, err)
	} else if accepted, err := parseRoots(data); err != nil {
		badAnswer(q, at, err)
	} else {
		checkRoots(q, accepted)
	}
	askCheckpoint(ctx, q, plan.StaticCT, "/checkpoint")
}

// parseRoots reads what a CT log answers at get-roots (RFC 6962 4.7): DER
// certificates in base64.
func parseRoots(data []byte) ([][]byte, error) {
	var roots struct {
		Certificates [][]byte `json:"certificates"`
	}
	if err := json.Unmarshal(data, &roots); err != nil {
		return nil, fmt.Errorf("no roots: %w", err)
	}
	if roots.Certificates == nil {
		return nil, errors.New("no roots: it has no certificates")
	}
	return roots.Certificates, nil
}

// checkRoots wants every generation of the ledger's root accepted.
func checkRoots(q *inquiry, accepted [][]byte) {
	repair := "give it the roots.pem that `trustroot services render " + q.Name + "` writes, and start it again"
	own := 0
	for _, g := range q.source.State.Authorities[plan.RootAuthority] {
		root, err := g.Certificate.File.Certificate(q.source.Files)
		if err != nil {
			unanswered(q, "ledger-file", "restore it from git or from the ceremony's record", "generation %d of the root cannot be compared: %v", g.Number, err)
			continue
		}
		switch has := slices.ContainsFunc(accepted, func(der []byte) bool { return bytes.Equal(der, root.Raw) }); {
		case has:
			own++
		case g.Compromised == nil:
			q.mismatch("root-not-accepted", repair, "it does not accept generation %d of the root: Fulcio gets no certificate timestamp under it, and issues nothing", g.Number)
		}
	}
	if others := len(accepted) - own; others > 0 {
		q.notice("other-roots", repair, "it accepts %d roots that the ledger does not have: others may fill the log", others)
	}
}
