{{- /* A time-stamping authority under a tsa-ca: no CA, and time stamping as
       its only, critical purpose (RFC 3161 2.3). */ -}}
{
	"order": ["basicConstraints", "keyUsage", "extKeyUsage", "subjectKeyId", "authorityKeyId", "subjectAltName", "certificatePolicies", "authorityInfoAccess", "crlDistributionPoints"],
	"basicConstraints": {"isCA": false},
	"keyUsage": ["digitalSignature"],
	"subjectKeyId": {{ toJson .SubjectKeyID }},
	"uris": {{ toJson .URIs }},
	"issuingCertificateURL": {{ toJson .IssuingCertificates }},
	"crlDistributionPoints": {{ toJson .CRLDistribution }},
	"extensions": [
		{"id": "2.5.29.37", "critical": {{ .ExtKeyUsageCritical }}, "value": "{{ asn1Seq (asn1Enc "oid:1.3.6.1.5.5.7.3.8") }}"}
		{{- with .Policies }},
		{"id": "2.5.29.32", "value": {{ policies . }}}
		{{- end }}
	]
}
