package trustedroot

import "github.com/linnemanlabs/trustroot/pki/finding"

// rule is one kind of finding and what clients do with such a file. What
// sigstore-go does, and sigstore-js where it is installed, is measured by the
// table of broken files in the tests. cosign verifies through sigstore-go. What
// is said of the others was read in their sources or seen on them. A rule is an
// error where a client fails today or trusts what it should not.
type rule struct {
	id       string
	severity finding.Severity
	effects  effects
}

// The shape of a document.
var (
	ruleSyntax     = rule{"json-syntax", Error, everyone(Refuses)}
	ruleNotUTF8    = rule{"json-syntax", Error, goDoes(Refuses, effects{SigstoreJS: Misreads})}
	ruleDuplicate  = rule{"duplicate-field", Error, goDoes(Refuses, effects{SigstoreJS: Misreads})}
	ruleUnknown    = rule{"unknown-field", Error, goDoes(Refuses, effects{SigstoreJS: Misreads})}
	ruleFieldName  = rule{"field-name", Warning, goDoes(Accepts, effects{SigstoreJS: Misreads})}
	ruleType       = rule{"wrong-type", Error, goDoes(Refuses, nil)}
	ruleTypeBytes  = rule{"wrong-type", Error, goDoes(Refuses, effects{SigstoreJS: Refuses})}
	ruleTypeID     = rule{"wrong-type", Error, goDoes(Refuses, effects{SigstoreJS: Rejects})}
	ruleTypeEnum   = rule{"wrong-type", Error, goDoes(Refuses, effects{SigstoreJS: Refuses})}
	ruleTypeTime   = rule{"wrong-type", Error, goDoes(Refuses, effects{SigstoreJS: Misreads})}
	ruleTypeList   = rule{"wrong-type", Error, goDoes(Refuses, effects{SigstoreJS: Rejects})}
	ruleRefused    = rule{"refused", Error, goDoes(Refuses, nil)}
	ruleMediaType  = rule{"media-type", Error, goDoes(Refuses, effects{SigstorePython: Refuses, SigstoreJava: Refuses, SigstoreJS: Accepts})}
	ruleRoleEmpty  = rule{"role-empty", Warning, goDoes(Rejects, effects{SigstoreJS: Rejects, SigstorePython: Refuses})}
	ruleNoTSA      = rule{"no-tsa", Warning, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleCTC        = rule{"client-trust-config", Info, nil}
	ruleLines      = rule{"json-lines", Info, nil}
	ruleOrder      = rule{"order", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	rulePublicPart = rule{"public-leftover", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
)

// Logs.
var (
	ruleHash        = rule{"hash-algorithm", Error, goDoes(Refuses, effects{SigstoreJS: Accepts})}
	ruleLogIDAbsent = rule{"log-id-missing", Error, goDoes(Refuses, effects{SigstoreJS: Refuses, SigstorePython: Accepts})}
	ruleKeyAbsent   = rule{"public-key-missing", Error, goDoes(Refuses, effects{SigstoreJS: Refuses, SigstorePython: Refuses})}
	ruleKeyBroken   = rule{"public-key-undecodable", Error, goDoes(Refuses, effects{SigstoreJS: Refuses, SigstorePython: Refuses})}
	ruleKeyDetails  = rule{"key-details", Error, goDoes(Accepts, effects{SigstoreJS: Accepts, SigstorePython: Rejects, SigstoreJava: Rejects})}
	ruleKeyFamily   = rule{"key-details", Error, goDoes(Refuses, effects{SigstoreJS: Accepts, SigstorePython: Refuses})}
	ruleKeyNotRSA   = rule{"key-details", Error, goDoes(Refuses, effects{SigstoreJS: Refuses, SigstorePython: Refuses})}
	ruleKeyKind     = rule{"key-type", Error, goDoes(Accepts, effects{SigstoreJS: Rejects})}
	ruleKeyRSA      = rule{"key-type", Error, goDoes(Accepts, effects{SigstoreJS: Refuses})}
	ruleKeyPKCS1    = rule{"key-type", Warning, goDoes(Accepts, nil)}
	ruleKeyEd25519  = rule{"key-type", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleKeyID       = rule{"key-id", Error, goDoes(Rejects, effects{SigstoreJS: Rejects, SigstorePython: Accepts, SigstoreJava: Rejects})}
	ruleSharedKey   = rule{"duplicate-key", Error, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleLogWindow   = rule{"log-window-missing", Error, goDoes(Refuses, effects{SigstoreJS: Misreads, SigstorePython: Misreads, SigstoreJava: Misreads})}
	ruleBaseURL     = rule{"base-url", Error, goDoes(Rejects, effects{SigstoreJS: Unaffected})}
	ruleBaseURLNone = rule{"base-url", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleURLForm     = rule{"url-form", Warning, goDoes(Accepts, effects{SigstoreJS: Unaffected})}
	ruleV02         = rule{"v02-field", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleV02Key      = rule{"v02-field", Error, goDoes(Accepts, effects{SigstoreJS: Rejects})}
)

// Certificate authorities and timestamp authorities.
var (
	ruleChainAbsent   = rule{"chain-missing", Error, goDoes(Refuses, effects{SigstoreJS: Refuses, SigstorePython: Refuses})}
	ruleChainEmpty    = rule{"chain-missing", Error, goDoes(Refuses, effects{SigstoreJS: Rejects, SigstorePython: Refuses})}
	ruleCertBroken    = rule{"certificate-undecodable", Error, goDoes(Refuses, effects{SigstoreJS: Refuses, SigstorePython: Refuses})}
	ruleChainOrder    = rule{"chain-order", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleChainOrderTSA = rule{"chain-order", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleChainShort    = rule{"chain-incomplete", Error, goDoes(Accepts, effects{SigstoreJS: Rejects})}
	ruleChainBroken   = rule{"chain-broken", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleChainExtra    = rule{"chain-extra", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleCertWindow    = rule{"authority-window-missing", Error, goDoes(Misreads, effects{SigstoreJS: Misreads, SigstorePython: Misreads, SigstoreJava: Misreads})}
	ruleWindowCert    = rule{"window-outside-certificate", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleWindowDead    = rule{"window-after-certificate", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleSubject       = rule{"subject", Warning, goDoes(Accepts, effects{SigstoreJS: Unaffected})}
	ruleNames         = rule{"subject-names", Warning, goDoes(Accepts, effects{SigstoreJS: Unaffected})}
	ruleTwice         = rule{"duplicate-authority", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleURI           = rule{"uri", Warning, goDoes(Accepts, effects{SigstoreJS: Unaffected})}
	ruleNotCA         = rule{"fulcio-not-ca", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleKeyUsage      = rule{"key-usage", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleKeyUsageTSA   = rule{"key-usage", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleFulcioEKU     = rule{"fulcio-eku", Error, goDoes(Rejects, effects{SigstoreJS: Accepts})}
	ruleFulcioAnyEKU  = rule{"fulcio-eku", Error, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleFulcioNoEKU   = rule{"fulcio-eku-missing", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleFulcioEKUCr   = rule{"fulcio-eku-critical", Warning, goDoes(Unaffected, effects{SigstoreJS: Unaffected, SigstorePython: Rejects})}
	ruleBasic         = rule{"basic-constraints", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts, SigstorePython: Rejects})}
	rulePathLen       = rule{"path-length", Error, goDoes(Rejects, effects{SigstoreJS: Rejects, SigstorePython: Rejects})}
	ruleRootEKU       = rule{"root-eku", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleConstraints   = rule{"name-constraints", Info, goDoes(Accepts, effects{SigstoreJS: Accepts, SigstorePython: Accepts})}
	ruleTSALeaf       = rule{"tsa-leaf-missing", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleTSAEKU        = rule{"tsa-eku", Error, goDoes(Rejects, effects{SigstoreJS: Accepts})}
	ruleTSAEKUCr      = rule{"tsa-eku-not-critical", Error, goDoes(Rejects, effects{SigstoreJS: Accepts})}
	ruleTSAPath       = rule{"tsa-path", Warning, nil}
	ruleUnrestricted  = rule{"ca-without-eku", Warning, goDoes(Accepts, nil)}
)

// Windows.
var (
	ruleBackwards   = rule{"window-backwards", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleBackwardsV2 = rule{"window-backwards", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleGap         = rule{"gap", Error, goDoes(Rejects, effects{SigstoreJS: Rejects})}
	ruleGapLogs     = rule{"gap", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleGapMeant    = rule{"gap-after-compromise", Info, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleCompromised = rule{"compromised-key-open", Error, goDoes(Accepts, effects{SigstoreJS: Accepts, SigstorePython: Accepts})}
	ruleGapExpired  = rule{"gap-after-expiry", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleClosedEarly = rule{"closed-at-successor-start", Error, goDoes(Rejects, effects{SigstoreJS: Rejects, SigstorePython: Accepts})}
	ruleClosedLog   = rule{"closed-at-successor-start", Info, goDoes(Accepts, effects{SigstoreJS: Accepts})}
	ruleMix         = rule{"generations-mix", Warning, goDoes(Accepts, nil)}
	ruleLogEnd      = rule{"log-end-ignored", Info, effects{SigstoreRS: Rejects}}
	ruleNotCurrent  = rule{"nothing-current", Warning, goDoes(Accepts, effects{SigstoreJS: Accepts})}
)

// Signing configs.
var (
	ruleSCMediaType = rule{"media-type", Error, goDoes(Refuses, nil)}
	ruleSCEmpty     = rule{"service-missing", Error, goDoes(CannotSign, nil)}
	ruleSCNoTSA     = rule{"no-tsa", Error, goDoes(Accepts, nil)}
	ruleSCSelect    = rule{"selection-missing", Error, goDoes(Panics, nil)}
	ruleSCSelector  = rule{"selector", Error, goDoes(CannotSign, nil)}
	ruleSCURL       = rule{"service-url", Error, goDoes(Accepts, nil)}
	ruleSCTSAPath   = rule{"tsa-path", Warning, goDoes(Accepts, nil)}
	ruleSCURLForm   = rule{"url-form", Warning, goDoes(Accepts, nil)}
	ruleSCVersion   = rule{"api-version", Error, goDoes(CannotSign, nil)}
	ruleSCOperator  = rule{"operator", Warning, goDoes(Accepts, nil)}
	ruleSCWindow    = rule{"service-window-missing", Error, goDoes(Misreads, nil)}
	ruleSCBackwards = rule{"window-backwards", Error, goDoes(CannotSign, nil)}
	ruleSCOrder     = rule{"order", Warning, goDoes(Accepts, nil)}
	ruleSCPublic    = rule{"public-leftover", Error, goDoes(Misreads, nil)}
	ruleSCTwice     = rule{"duplicate-service", Warning, goDoes(Accepts, nil)}
	ruleSCCurrent   = rule{"nothing-current", Warning, goDoes(CannotSign, nil)}
	ruleSCBoth      = rule{"public-and-own", Warning, goDoes(Accepts, nil)}
	ruleSCPair      = rule{"not-in-trusted-root", Error, goDoes(Accepts, nil)}
	ruleSCPairURL   = rule{"url-differs", Warning, goDoes(Accepts, nil)}
	ruleSCPairCount = rule{"selector-exceeds-trusted-root", Error, goDoes(Accepts, nil)}
	ruleSCPairTime  = rule{"not-in-trusted-root", Error, goDoes(Accepts, nil)}
)
