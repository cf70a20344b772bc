package services

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/digitorus/timestamp"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/linnemanlabs/trustroot/internal/courier"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/anchor"
)

// answerLimit bounds an answer, in bytes: a timestamp or a proof takes a few
// kilobytes.
const answerLimit = 1 << 20

// anchorTime is how long a service may take. Rekor answers when its next
// checkpoint is signed, which takes seconds.
const anchorTime = time.Minute

// askTimestamp returns a timestamp authority's response over data, its signer's
// certificate in it.
func askTimestamp(ctx context.Context, url string, data []byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	request, err := (&timestamp.Request{HashAlgorithm: crypto.SHA256, HashedMessage: sum[:], Certificates: true, Nonce: nonce}).Marshal()
	if err != nil {
		return nil, fmt.Errorf("ask for a timestamp: %w", err)
	}
	response, _, err := post(ctx, "timestamp authority", "--tsa", url, "application/timestamp-query", request)
	if err != nil {
		return nil, err
	}
	if len(response) > maxStamp {
		return nil, wrongAnswer("timestamp authority", url, fmt.Errorf("it answers with %d bytes, more than any timestamp has", len(response)))
	}
	t, err := timestamp.ParseResponse(response)
	if err == nil && (t.Nonce == nil || t.Nonce.Cmp(nonce) != 0) {
		err = errors.New("it answers another request than this one")
	}
	if err != nil {
		return nil, wrongAnswer("timestamp authority", url, err)
	}
	return response, nil
}

// alreadyLogged says that a log has an entry with these bytes.
type alreadyLogged struct{ index int64 }

func (e *alreadyLogged) Error() string { return fmt.Sprintf("it is entry %d already", e.index) }

// askRekor enters a signature into a Rekor v2 log (rekor-tiles, CLIENTS.md).
// The client of rekor-tiles would keep back which entry a log already has.
func askRekor(ctx context.Context, base string, parts anchor.Parts) (*anchor.Entry, error) {
	type hashedRekord struct {
		Signature anchor.Signature `json:"signature"`
		Digest    []byte           `json:"digest"`
	}
	request, err := json.Marshal(map[string]hashedRekord{"hashedRekordRequestV002": {parts.RekorSignature(), parts.Digest}})
	if err != nil {
		return nil, err
	}
	answer, header, err := post(ctx, "log", "--rekor", strings.TrimSuffix(base, "/")+"/api/v2/log/entries", "application/json", request)
	if index, known := strconv.ParseInt(header.Get("x-log-index"), 10, 64); err != nil && known == nil && header.Get("x-log-index") != "" {
		return nil, &alreadyLogged{index}
	}
	if err != nil {
		return nil, err
	}
	var e protorekor.TransparencyLogEntry
	if err := protojson.Unmarshal(answer, &e); err != nil {
		return nil, wrongAnswer("log", base, err)
	}
	proof := e.GetInclusionProof()
	if kind := e.GetKindVersion(); proof == nil || proof.GetLogIndex() != e.GetLogIndex() || kind.GetKind() != "hashedrekord" || kind.GetVersion() != "0.0.2" {
		return nil, wrongAnswer("log", base, errors.New("it gives no inclusion proof of a hashedrekord 0.0.2: is this Rekor v2?"))
	}
	return &anchor.Entry{
		Index: e.GetLogIndex(), LogID: e.GetLogId().GetKeyId(), TreeSize: proof.GetTreeSize(), RootHash: proof.GetRootHash(),
		Hashes: proof.GetHashes(), Checkpoint: proof.GetCheckpoint().GetEnvelope(), Body: e.GetCanonicalizedBody(),
	}, nil
}

// post asks a service. Beside an error there is the header of an answer that
// was none.
func post(ctx context.Context, what, flag, url, kind string, body []byte) ([]byte, http.Header, error) {
	request, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, nil, fault.New(fault.Usage, "name the address with "+flag+", as in the plan", err)
	}
	request.Header.Set("Content-Type", kind)
	return exchange(ctx, what, flag, request)
}

func exchange(ctx context.Context, what, flag string, request *http.Request) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, anchorTime)
	defer cancel()
	url := request.URL.Redacted()
	response, err := http.DefaultClient.Do(request.WithContext(ctx))
	if err != nil {
		return nil, nil, fault.New(fault.Failure, "start it, or name another address of it with "+flag+"; nothing was written",
			fmt.Errorf("the %s at %s does not answer: %w", what, url, err))
	}
	defer response.Body.Close() //nolint:errcheck // read only
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	if err == nil && len(answer) > answerLimit {
		err = fmt.Errorf("more than %d bytes", answerLimit)
	}
	if err == nil && response.StatusCode != http.StatusOK && response.StatusCode != http.StatusCreated {
		err = fmt.Errorf("%s: %s", response.Status, courier.Quote(strings.TrimSpace(string(answer))))
	}
	if err != nil {
		return nil, response.Header, fault.New(fault.Failure, "look into its log, or name another address of it with "+flag+"; nothing was written",
			fmt.Errorf("the %s at %s refuses: %w", what, url, err))
	}
	return answer, response.Header, nil
}
