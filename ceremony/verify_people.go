package ceremony

import (
	"fmt"
	"strings"

	"github.com/linnemanlabs/trustroot/ceremony/journal"
	"github.com/linnemanlabs/trustroot/ceremony/request"
)

// believed is what nothing in a record proves.
func (v *verifier) believed() []Claim {
	var claims []Claim
	add := func(by, format string, args ...any) {
		claims = append(claims, Claim{Text: fmt.Sprintf(format, args...), By: by, People: true})
	}
	add("who compared the words on paper, the clock and a watch", "the request is the one that was reviewed, and the day was %s", v.plan.Day)
	add("who brought the machine and checked the binary from second media", "the ceremony host did what its journal says; its trustroot has the SHA-256 %s", v.binary())
	host := hostOf(v.entries)
	for _, what := range host.Denied {
		add("the ceremony host's kernel", "the kernel denied trustroot %s", what)
	}
	for _, what := range host.Open {
		add("who brought the machine", "the kernel left open to trustroot %s", what)
	}
	if i := host.Image; i != nil {
		add("the image's own word, and who read its digest on another machine before the start", "the host ran the ceremony image with the SHA-256 %s", i.SHA256)
	}
	if v.imported() {
		add("who made it", "the root key was made on a host and is on no other medium than its tokens")
	}
	for _, item := range v.Request.Items {
		if item.Source == request.SourceExternal {
			add("who brought its request", "the key of %s is where its holder says", item.Authority)
		}
	}
	for _, text := range exceptions(v.entries) {
		add("who passed --allow-network", "exception: %s", text)
	}
	for _, e := range v.Request.Plan.Exceptions {
		add("who reviewed the plan: "+e.Reason, "exception: %s", e.Name)
	}
	return append(claims, v.unpinned...)
}

func (v *verifier) binary() string {
	head, err := journal.Opening(v.entries)
	if err != nil {
		return "unknown"
	}
	return head.BinarySHA256
}

// exceptions are those that the journal names.
func exceptions(entries []journal.Entry) []string {
	var out []string
	for _, e := range entries {
		var data struct {
			Text string `json:"text"`
		}
		if e.Kind != journal.KindException || decode(e.Step, e.Data, &data) != nil {
			continue
		}
		if text := strings.TrimSpace(data.Text); text != "" && (len(out) == 0 || out[len(out)-1] != text) {
			out = append(out, text)
		}
	}
	return out
}
