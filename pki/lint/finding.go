package lint

import "github.com/linnemanlabs/trustroot/pki/finding"

// The severities of this package's findings.
const (
	Error   = finding.Error   // the certificate is not issued
	Warning = finding.Warning // some client fails, or the certificate can do more than it should
	Note    = finding.Info    // worth knowing; nothing fails
)

// Names of clients, as their projects write them.
const (
	fulcio         = "fulcio"
	timestampAuth  = "timestamp-authority"
	sigstorePython = "sigstore-python"
	pyca           = "pyca/cryptography"
)
