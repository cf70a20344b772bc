package sigstore

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	rekortiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	"github.com/sigstore/rekor-tiles/v2/pkg/types/hashedrekord"
	"github.com/sigstore/sigstore/pkg/signature"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// maxRequest bounds what the handlers read, in bytes.
const maxRequest = 1 << 20

// Log is a Rekor v2 log in memory, spoken to over its HTTP API: it checks and
// writes entries with Rekor's own code, refuses one that it has already, and
// serves its checkpoint and tiles.
type Log struct {
	services *world.Services

	mu      sync.Mutex
	entries map[string]int64 // by body
	hashes  []tlog.Hash      // as tlog.StoredHashes has them
}

// NewLog returns an empty log under the services' key and origin.
func NewLog(s *world.Services) *Log { return &Log{services: s, entries: map[string]int64{}} }

// ServeHTTP implements http.Handler.
func (l *Log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/api/v2/")
	var answer []byte
	var err error
	switch {
	case r.Method == http.MethodPost && name == "log/entries":
		answer, err = l.create(w, r)
	case name == "checkpoint":
		answer, _, err = l.checkpoint()
	case strings.HasPrefix(name, "tile/"):
		answer, err = l.tile(name)
	default:
		err = fmt.Errorf("no such path: %s", r.URL.Path)
	}
	if err != nil {
		code := http.StatusBadRequest
		if w.Header().Get("x-log-index") != "" {
			code = http.StatusConflict
		}
		http.Error(w, err.Error(), code)
		return
	}
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusCreated)
	}
	w.Write(answer) //nolint:errcheck,gosec // the client sees it
}

// create takes an entry (rekor-tiles, internal/server/service.go).
func (l *Log) create(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	var request rekortiles.CreateEntryRequest
	if err := protojson.Unmarshal(data, &request); err != nil {
		return nil, err
	}
	if request.GetHashedRekordRequestV002() == nil {
		return nil, fmt.Errorf("invalid type, must be hashedrekord")
	}
	algorithms, err := signature.NewAlgorithmRegistryConfig([]protocommon.PublicKeyDetails{protocommon.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256})
	if err != nil {
		return nil, err
	}
	entry, err := hashedrekord.ToLogEntry(request.GetHashedRekordRequestV002(), algorithms)
	if err != nil {
		return nil, err
	}
	raw, err := protojson.Marshal(entry)
	if err != nil {
		return nil, err
	}
	body, err := jsoncanonicalizer.Transform(raw)
	if err != nil {
		return nil, err
	}
	if index, there := l.entries[string(body)]; there {
		w.Header().Set("x-log-index", strconv.FormatInt(index, 10))
		return nil, fmt.Errorf("an equivalent entry already exists in the transparency log with index %d", index)
	}
	index, err := l.Add(body)
	if err != nil {
		return nil, err
	}
	return l.prove(index, body)
}

// Add appends a leaf, for tests without asking.
func (l *Log) Add(body []byte) (int64, error) {
	index := int64(len(l.entries))
	more, err := tlog.StoredHashes(index, body, l)
	if err != nil {
		return 0, err
	}
	l.hashes = append(l.hashes, more...)
	l.entries[string(body)] = index
	return index, nil
}

func (l *Log) prove(index int64, body []byte) ([]byte, error) {
	size := int64(len(l.entries))
	path, err := tlog.ProveRecord(size, index, l)
	if err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, h := range path {
		hashes = append(hashes, h[:])
	}
	tree, err := tlog.TreeHash(size, l)
	if err != nil {
		return nil, err
	}
	checkpoint, id, err := l.checkpoint()
	if err != nil {
		return nil, err
	}
	return protojson.Marshal(&protorekor.TransparencyLogEntry{
		LogIndex:          index,
		LogId:             &protocommon.LogId{KeyId: id},
		KindVersion:       &protorekor.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		CanonicalizedBody: body,
		InclusionProof: &protorekor.InclusionProof{
			LogIndex: index, TreeSize: size, RootHash: tree[:], Hashes: hashes,
			Checkpoint: &protorekor.Checkpoint{Envelope: string(checkpoint)},
		},
	})
}

func (l *Log) checkpoint() (text, id []byte, err error) {
	size := int64(len(l.entries))
	tree, err := tlog.TreeHash(size, l)
	if err != nil {
		return nil, nil, err
	}
	signed, id, err := l.services.Checkpoint(uint64(size), tree[:])
	return []byte(signed), id, err
}

// tile returns the hashes of "tile/0/000" or "tile/0/000.p/5" (C2SP
// tlog-tiles).
func (l *Log) tile(name string) ([]byte, error) {
	tile, err := tlog.ParseTilePath("tile/8/" + strings.TrimPrefix(name, "tile/"))
	if err != nil {
		return nil, err
	}
	return tlog.ReadTileData(tile, l)
}

// ReadHashes implements tlog.HashReader.
func (l *Log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(l.hashes)) {
			return nil, fmt.Errorf("the log has no hash %d", index)
		}
		out[i] = l.hashes[index]
	}
	return out, nil
}
