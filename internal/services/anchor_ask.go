package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/digitorus/timestamp"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/anchor"
)

// anchorTime is how long a service may take. Rekor answers when its next
// checkpoint is signed, which takes seconds.
const anchorTime = time.Minute

// askTimestamp returns a timestamp authority's response over data, its signer's
// certificate in it.
func askTimestamp(ctx context.Context, at string, data []byte) ([]byte, error) {
	question, err := newTimestampRequest(data)
	if err != nil {
		return nil, fmt.Errorf("ask for a timestamp: %w", err)
	}
	response, _, err := exchange(ctx, "timestamp authority", "--tsa", http.MethodPost, at, "application/timestamp-query", question.der)
	if err != nil {
		return nil, err
	}
	if len(response) > maxStamp {
		return nil, wrongAnswer("timestamp authority", at, fmt.Errorf("it answers with %d bytes, more than any timestamp has", len(response)))
	}
	t, err := timestamp.ParseResponse(response)
	if err == nil && (t.Nonce == nil || t.Nonce.Cmp(question.nonce) != 0) {
		err = errors.New("it answers another request than this one")
	}
	if err != nil {
		return nil, wrongAnswer("timestamp authority", at, err)
	}
	return response, nil
}

// alreadyLoggedError says that a log has an entry with these bytes.
type alreadyLoggedError struct{ index int64 }

func (e *alreadyLoggedError) Error() string { return fmt.Sprintf("it is entry %d already", e.index) }

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
	answer, header, err := exchange(ctx, "log", "--rekor", http.MethodPost, strings.TrimSuffix(base, "/")+"/api/v2/log/entries", "application/json", request)
	if index, known := strconv.ParseInt(header.Get("x-log-index"), 10, 64); err != nil && known == nil && header.Get("x-log-index") != "" {
		return nil, &alreadyLoggedError{index}
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

// exchange asks a service. Beside an error there is the header of an answer that
// was none.
func exchange(ctx context.Context, what, flag, method, at, kind string, body []byte) ([]byte, http.Header, error) {
	place, err := url.Parse(at)
	if err != nil {
		return nil, nil, fault.New(fault.Usage, "name the address with "+flag+", as in the plan", err)
	}
	asker := newWeb(Options{Timeout: anchorTime})
	answer, err := asker.do(ctx, method, at, kind, body, maxAnswer)
	if err == nil {
		return answer, nil, nil
	}
	status, refused := errors.AsType[*statusError](err)
	if !refused && !errors.Is(err, errTooLarge) {
		return nil, nil, fault.New(fault.Failure, "start it, or name another address of it with "+flag+"; nothing was written",
			fmt.Errorf("the %s at %s does not answer: %w", what, place.Redacted(), err))
	}
	var header http.Header
	if refused {
		header, err = status.header, errors.New(status.text)
	}
	return nil, header, fault.New(fault.Failure, "look into its log, or name another address of it with "+flag+"; nothing was written",
		fmt.Errorf("the %s at %s refuses: %w", what, place.Redacted(), err))
}
