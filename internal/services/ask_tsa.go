package services

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/sigstore/timestamp-authority/v2/pkg/verification"
)

// skew is how far a timestamp server's clock may be from this machine's.
const skew = time.Minute

// askTSA asks for the chain and for a timestamp: the server starts with the
// wrong hash for its key and fails at each request (timestamp-authority
// pkg/api).
func askTSA(ctx context.Context, q *inquiry) {
	known := readChains(q)
	at := q.URL + "/certchain"
	if data, ok := get(ctx, q, at); ok {
		chain, err := parseChain(data)
		if err != nil {
			badAnswer(q, at, err)
		} else {
			checkChain(q, chain, known, CheckTSAChain)
		}
	}
	if q.away {
		return
	}
	question, err := newTimestampRequest([]byte(rand.Text()))
	if err != nil {
		unanswered(q, "no-request", "look at the machine's randomness", "no timestamp could be asked for: %v", err)
		return
	}
	answer, err := q.web.do(ctx, http.MethodPost, q.URL, "application/timestamp-query", question.der, maxStamp)
	if status, ok := errors.AsType[*statusError](err); ok && status.code == http.StatusInternalServerError {
		wrongHash(q, status, known)
		return
	}
	if err != nil {
		silence(q, "", q.URL, err)
		return
	}
	checkTimestamp(q, question, answer, known)
}

// wrongHash says why a server fails at every request.
func wrongHash(q *inquiry, status *statusError, known []authorityChain) {
	for _, k := range known {
		pub, ok := k.chain[0].PublicKey.(*ecdsa.PublicKey)
		if !ok || k.Number != q.Generation && q.Generation != 0 {
			continue
		}
		q.mismatch("wrong-hash", "start it with --timestamp-signer-hash "+SignerHash(pub)+", as `trustroot services render "+q.Name+"` does; where it has that, look whether it may sign with its key",
			"wrong hash for its key, most likely: it %s to a request for a timestamp, and a %s key needs --timestamp-signer-hash %s",
			status, pub.Curve.Params().Name, SignerHash(pub))
		return
	}
	unanswered(q, "refused", "look at its own log", "it %s to a request for a timestamp", status)
}

// timestampRequest is a question, and what its answer must hold.
type timestampRequest struct {
	der, message []byte
	nonce        *big.Int
}

func newTimestampRequest(message []byte) (*timestampRequest, error) {
	r := &timestampRequest{message: message}
	var err error
	// what tells the answer to one request from that to another (RFC 3161 2.4.1): 63 bits
	if r.nonce, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63)); err != nil {
		return nil, err
	}
	r.der, err = timestamp.CreateRequest(bytes.NewReader(message), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true, Nonce: r.nonce})
	return r, err
}

// checkTimestamp verifies the answer under each generation and says which one
// signed it.
func checkTimestamp(q *inquiry, question *timestampRequest, answer []byte, known []authorityChain) {
	signer, err := readTimestamp(answer)
	if err != nil {
		badAnswer(q, q.URL, err)
		return
	}
	failure := errors.New("another certificate signed it")
	for _, k := range known {
		stamped, err := question.verify(answer, k.chain)
		if err != nil {
			if signer == nil || signer.Equal(k.chain[0]) {
				failure = err
			}
			continue
		}
		if q.Generation != 0 && q.Generation != k.Number {
			q.mismatch("chain-of-another-key", "start it again with the chain of its key: `trustroot services render "+q.Name+"` writes both",
				"it serves the chain of generation %d and signs with the key of generation %d", q.Generation, k.Number)
		}
		if q.Generation == 0 {
			own(q, k.chain[0])
		}
		q.Generation = k.Number
		checkClock(q, stamped.Time)
		return
	}
	q.mismatch("timestamp", "start it with chain and key of one generation: `trustroot services render "+q.Name+"` writes both",
		"its timestamp verifies under no generation of the ledger: %v", failure)
}

// checkClock compares a timestamp with this machine's clock.
func checkClock(q *inquiry, at time.Time) {
	now := q.source.Now.Add(time.Since(q.started))
	offset := at.Sub(now).Seconds()
	q.Offset = &offset
	if off := at.Sub(now).Abs(); off > skew {
		q.mismatch("clock", "set its clock by NTP; if it is right, this host's is wrong",
			"its clock says %s and this host's %s: %s apart", at.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), off.Round(time.Second))
	}
}

// readTimestamp reads a response and returns its signer's certificate, nil
// where it carries none. What a stranger's answer makes of the libraries must
// not end the program.
func readTimestamp(answer []byte) (signer *x509.Certificate, err error) {
	defer func() {
		if r := recover(); r != nil {
			signer, err = nil, fmt.Errorf("no timestamp response: %v", r)
		}
	}()
	ts, err := timestamp.ParseResponse(answer)
	if err != nil {
		return nil, fmt.Errorf("no timestamp response: %w", err)
	}
	if len(ts.Certificates) > 0 {
		signer = ts.Certificates[0]
	}
	return signer, nil
}

// verify verifies a response as Sigstore's clients do, under one chain.
func (r *timestampRequest) verify(answer []byte, chain []*x509.Certificate) (ts *timestamp.Timestamp, err error) {
	defer func() {
		if p := recover(); p != nil {
			ts, err = nil, fmt.Errorf("the response cannot be verified: %v", p)
		}
	}()
	last := len(chain) - 1
	return verification.VerifyTimestampResponse(answer, bytes.NewReader(r.message), verification.VerifyOpts{
		TSACertificate: chain[0], Intermediates: chain[1:last], Roots: chain[last:], Nonce: r.nonce,
	})
}
