package sigstore

import (
	"io"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"

	"github.com/linnemanlabs/trustroot/pki/trustedroot/world"
)

// TimestampHandler answers RFC 3161 over HTTP as Sigstore's timestamp-authority
// does: its certificate is in the response where it is asked for.
func TimestampHandler(s *world.Services, now func() time.Time) http.Handler {
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
		out, err := s.Stamp(request, now().UTC().Truncate(time.Second))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.WriteHeader(http.StatusCreated)
		w.Write(out) //nolint:errcheck // the client sees it
	})
}
