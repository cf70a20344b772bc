package local

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/kms/internal/iampolicy"
)

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// serveSTS answers GetCallerIdentity and AssumeRole in STS's query protocol.
func (s *Server) serveSTS(w http.ResponseWriter, r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost {
		form = url.Values{}
	}
	call := Call{Action: form.Get("Action"), Status: http.StatusOK}
	answer, err := s.doSTS(r, &call, form)
	if err != nil {
		e := asAPI(err)
		call.Status, call.Error = e.status, e.code
		answer = stsError{Xmlns: stsNamespace, Type: "Sender", Code: e.code, Message: e.message, RequestID: uuid()}
	}
	s.send(w, call, "text/xml", func(b *bytes.Buffer) error { return xml.NewEncoder(b).Encode(answer) })
}

type stsError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Xmlns     string   `xml:"xmlns,attr"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

type identityResponse struct {
	XMLName   xml.Name `xml:"GetCallerIdentityResponse"`
	Xmlns     string   `xml:"xmlns,attr"`
	ARN       string   `xml:"GetCallerIdentityResult>Arn"`
	UserID    string   `xml:"GetCallerIdentityResult>UserId"`
	Account   string   `xml:"GetCallerIdentityResult>Account"`
	RequestID string   `xml:"ResponseMetadata>RequestId"`
}

type roleResponse struct {
	XMLName      xml.Name `xml:"AssumeRoleResponse"`
	Xmlns        string   `xml:"xmlns,attr"`
	AccessKeyID  string   `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
	Secret       string   `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
	SessionToken string   `xml:"AssumeRoleResult>Credentials>SessionToken"`
	Expiration   string   `xml:"AssumeRoleResult>Credentials>Expiration"`
	ARN          string   `xml:"AssumeRoleResult>AssumedRoleUser>Arn"`
	RoleID       string   `xml:"AssumeRoleResult>AssumedRoleUser>AssumedRoleId"`
	RequestID    string   `xml:"ResponseMetadata>RequestId"`
}

func (s *Server) doSTS(r *http.Request, call *Call, form url.Values) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	caller, err := s.authenticate(r)
	if err != nil {
		return nil, stsWords(asAPI(err))
	}
	call.Principal = caller.arn
	switch call.Action {
	case "GetCallerIdentity":
		return identityResponse{Xmlns: stsNamespace, ARN: caller.arn, UserID: "AIDAREHEARSAL", Account: caller.account, RequestID: uuid()}, nil
	case "AssumeRole":
		return s.assumeRole(call, caller, form)
	}
	return nil, fail("InvalidAction", "Could not find operation %s for version 2011-06-15", call.Action)
}

// stsWords gives an authentication error the code that STS has for it.
func stsWords(e *apiError) *apiError {
	names := map[string]string{
		"UnrecognizedClientException":         "InvalidClientTokenId",
		"ExpiredTokenException":               "ExpiredToken",
		"MissingAuthenticationTokenException": "MissingAuthenticationToken",
	}
	if name, ok := names[e.code]; ok {
		return &apiError{status: http.StatusForbidden, code: name, message: e.message}
	}
	return e
}

func (s *Server) assumeRole(call *Call, c caller, form url.Values) (any, error) {
	arn := form.Get("RoleArn")
	call.Key = arn
	for _, role := range s.options.Roles {
		trusted := slices.ContainsFunc(c.names, func(name string) bool { return slices.Contains(role.Trust, name) })
		if role.ARN != arn || !trusted {
			continue
		}
		name := arn[strings.LastIndex(arn, "/")+1:]
		assumed := "arn:aws:sts::" + iampolicy.AccountOf(arn) + ":assumed-role/" + name + "/" + form.Get("RoleSessionName")
		id := "SESSION" + strings.ToUpper(strings.ReplaceAll(uuid(), "-", ""))
		s.sessions[id] = session{role: role, arn: assumed}
		return roleResponse{
			Xmlns: stsNamespace, AccessKeyID: id, Secret: SecretAccessKey, SessionToken: "rehearsal",
			Expiration: s.now().Add(time.Hour).Format(time.RFC3339), ARN: assumed, RoleID: "AROAREHEARSAL:" + name, RequestID: uuid(),
		}, nil
	}
	return nil, &apiError{status: http.StatusForbidden, code: "AccessDenied",
		message: "User: " + c.arn + " is not authorized to perform: sts:AssumeRole on resource: " + arn}
}
