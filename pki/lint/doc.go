// Package lint judges certificates before they are signed: zlint's rules from
// the RFCs and its community, the rules of Sigstore's certificate
// specification, and what single clients refuse beyond both.
//
// It issues nothing and reads no files. Of the project it imports pki only,
// and it alone imports zlint.
package lint
