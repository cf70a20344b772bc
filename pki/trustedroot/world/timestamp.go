package world

import (
	"io"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
)

// maxRequest bounds what the handlers read, in bytes.
const maxRequest = 1 << 20

// TimestampHandler answers RFC 3161 over HTTP as Sigstore's timestamp-authority
// does: its certificate is in the response where it is asked for.
func (s *Services) TimestampHandler(now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil || r.Method != http.MethodPost {
			http.Error(w, "no timestamp query", http.StatusBadRequest)
			return
		}
		request, err := timestamp.ParseRequest(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		response := timestamp.Timestamp{
			HashAlgorithm:     request.HashAlgorithm,
			HashedMessage:     request.HashedMessage,
			Nonce:             request.Nonce,
			AddTSACertificate: request.Certificates,
			Time:              now().UTC().Truncate(time.Second),
			Policy:            policy,
		}
		out, err := response.CreateResponseWithOpts(s.TSA, s.TSAKey, s.timestampHash())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.WriteHeader(http.StatusCreated)
		w.Write(out) //nolint:errcheck // the client sees it
	})
}
