package kms

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

// Options say where KMS is and who asks. Empty fields leave it to the SDK's
// own environment: AWS_ENDPOINT_URL_KMS, AWS_REGION, AWS_PROFILE, the shared
// configuration and the credential chain.
type Options struct {
	// KeyAccountRole is the ARN of a role in the account that holds the keys.
	// What does not cross accounts (making keys, reading and writing policies,
	// tags, aliases) is asked under it.
	KeyAccountRole string
	// Progress is told in one line of every wait before a retry; nil: nobody.
	Progress func(string)
	// MaxBackoff is the longest wait before a retry. Zero is the SDK's 20
	// seconds, and 20 milliseconds for a KMS on loopback, which has no other
	// callers to spare.
	MaxBackoff time.Duration
}

// Client asks one KMS. It is safe for concurrent use.
type Client struct {
	options Options
	region  string
	api     *kms.Client // as the caller
	owner   *kms.Client // under KeyAccountRole, or the same as api
	sts     *sts.Client
	caller  struct {
		sync.Mutex
		asked bool
		arn   string
		err   error
	}
}

// New reads the SDK's configuration. It makes no call: credentials that are
// missing show at the first one.
func New(ctx context.Context, o Options) (*Client, error) {
	cfg, endpoint, err := load(ctx)
	if err != nil {
		return nil, fault.New(fault.Device, "check AWS_PROFILE and the files under ~/.aws", fmt.Errorf("read the AWS configuration: %w", err))
	}
	loopback := isLoopback(endpoint)
	if o.MaxBackoff == 0 && loopback {
		o.MaxBackoff = 20 * time.Millisecond
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	most := cmp.Or(cfg.RetryMaxAttempts, attempts)
	cfg.Retryer = func() aws.Retryer { return o.retryer(most) }
	if cfg.HTTPClient == nil { // the SDK leaves its own until a service's client is made
		cfg.HTTPClient = awshttp.NewBuildableClient().WithTimeout(attemptTime)
	}
	cfg.Logger = logging.Nop{} // it would write past the printer
	cfg.APIOptions = append(cfg.APIOptions, deadline)
	cfg.HTTPClient = readOnly{cfg.HTTPClient}
	cfg.Credentials = aws.NewCredentialsCache(providerErrors{cfg.Credentials})
	c := &Client{options: o, region: cfg.Region, api: kms.NewFromConfig(cfg)}
	c.sts = sts.NewFromConfig(cfg, func(so *sts.Options) {
		// the credentials for a KMS on loopback must not be sent to AWS.
		if so.BaseEndpoint == nil && loopback {
			so.BaseEndpoint = aws.String(endpoint)
		}
		if so.Region == "" {
			so.Region = "us-east-1"
		}
	})
	c.owner = c.api
	if o.KeyAccountRole != "" {
		assumed := cfg.Copy()
		assumed.Credentials = aws.NewCredentialsCache(providerErrors{stscreds.NewAssumeRoleProvider(c.sts, o.KeyAccountRole,
			func(ro *stscreds.AssumeRoleOptions) { ro.RoleSessionName = "trustroot" })})
		c.owner = kms.NewFromConfig(assumed)
	}
	return c, nil
}

// load returns the configuration and the endpoint that KMS calls go to, empty
// for AWS's own. The instance metadata service is asked for credentials only
// where the endpoint is not on loopback, so it is disabled until that is known.
func load(ctx context.Context) (aws.Config, string, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	if err != nil {
		return cfg, "", err
	}
	endpoint := aws.ToString(kms.NewFromConfig(cfg).Options().BaseEndpoint)
	if !isLoopback(endpoint) {
		cfg, err = config.LoadDefaultConfig(ctx)
	}
	return cfg, endpoint, err
}

// isLoopback reports whether a URL's host is a loopback address or localhost.
func isLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// in has a call go to the region that an ARN names.
func in(r Ref) func(*kms.Options) {
	return func(o *kms.Options) {
		if r.Region != "" {
			o.Region = r.Region
		}
	}
}

// Caller is the ARN of the caller, from STS. It is asked once for the life of
// the client, whatever the answer.
func (c *Client) Caller(ctx context.Context) (string, error) {
	who := &c.caller
	who.Lock()
	defer who.Unlock()
	if who.asked {
		return who.arn, who.err
	}
	out, err := c.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil && ctx.Err() != nil {
		return "", c.explain("sts:GetCallerIdentity", Ref{}, err) // that was no answer
	}
	who.asked = true
	if err != nil {
		who.err = c.explain("sts:GetCallerIdentity", Ref{}, err)
		c.options.Progress("STS does not say who the caller is: " + who.err.Error())
		return "", who.err
	}
	who.arn = aws.ToString(out.Arn)
	return who.arn, nil
}
