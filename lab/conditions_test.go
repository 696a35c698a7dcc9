package lab

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/lab/account"
)

// Each condition lets one request through that it should, and keeps out one that it should not, besides whoever deploys.
func TestConditions(t *testing.T) {
	l := startLab(t, Options{})
	l.mustUp(t, ComputeStack, DataStack)
	function, err := l.Profile(FunctionProfile)
	if err != nil {
		t.Fatal(err)
	}
	deployer, err := l.Profile(DataProfile)
	if err != nil {
		t.Fatal(err)
	}
	endpointID, behind := l.mustVPCEndpoint(t, "vpc-0123456789abcdef0")
	_, elsewhere := l.mustVPCEndpoint(t, "vpc-0fedcba9876543210")

	type request struct {
		who  account.Key
		url  string
		tls  uint16
		want bool
	}
	for _, c := range []struct {
		name     string
		settings map[string]string
		invoked  string // what comes of the function's own request, which is in no VPC
		requests map[string]request
	}{
		{"organizationId", map[string]string{"organizationId": organizationID}, "", nil},
		{"another organizationId", map[string]string{"organizationId": "o-another0rg"}, "AccessDenied", map[string]request{
			"whoever deploys": {who: deployer.Key, want: true},
		}},
		{"sourceIps", map[string]string{"sourceIps[0]": "127.0.0.1"}, "", map[string]request{
			"behind an endpoint": {who: function.Key, url: behind},
		}},
		{"sourceIps elsewhere, vpcEndpoints", map[string]string{"sourceIps[0]": "203.0.113.0/24", "vpcEndpoints[0]": endpointID}, "AccessDenied", map[string]request{
			"behind the endpoint":               {who: function.Key, url: behind, want: true},
			"behind another":                    {who: function.Key, url: elsewhere},
			"whoever deploys, from where it is": {who: deployer.Key, want: true},
		}},
		{"minimumTlsVersion", map[string]string{"minimumTlsVersion": "1.3"}, "", map[string]request{
			"with 1.2": {who: function.Key, tls: tls.VersionTLS12},
			"with 1.3": {who: function.Key, tls: tls.VersionTLS13, want: true},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for key, value := range c.settings {
				l.mustPulumi(t, "config", "set", "--stack", DataStack, "--path", key, value)
			}
			l.mustPulumi(t, "config", "set", "--stack", DataStack, "--path", "deployRoles[0]", deployer.Key.Role)
			l.mustUp(t, DataStack)
			l.noChanges(t, c.name, DataStack)
			l.expectPass(t, "the exports", l.mustPulumi(t, "stack", "export", "--stack", ComputeStack), l.mustPulumi(t, "stack", "export", "--stack", DataStack))
			if _, failure := l.invokeEvent(t, "put", "a.txt", "text"); failure != c.invoked {
				t.Errorf("the function: %q, want %q", failure, c.invoked)
			}
			for name, r := range c.requests {
				_, err := l.clientOf(t, r.who, r.url, r.tls).PutObject(t.Context(), &s3.PutObjectInput{
					Bucket: aws.String(l.Settings.BucketName), Key: aws.String("a.txt"), Body: strings.NewReader("x"),
				})
				if got := err == nil; got != r.want || err != nil && !isRefused(err) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for key := range c.settings {
				name, _, _ := strings.Cut(key, "[")
				l.mustPulumi(t, "config", "rm", "--stack", DataStack, name)
			}
		})
	}
	// The last up has left a condition behind, which whoever deploys can take away with the bucket.
	if err := l.Destroy(t.Context(), DataStack); err != nil {
		t.Error(err)
	}
}

// mustVPCEndpoint makes an S3 endpoint besides Pulumi, with the policy that lets everything through, and returns its id and where it answers.
func (l *Lab) mustVPCEndpoint(t *testing.T, vpc string) (id, url string) {
	t.Helper()
	endpoint, err := l.World().PutVPCEndpoint(account.VPCEndpoint{
		Account: l.Settings.ComputeAccount, Region: l.Settings.Region, VPC: vpc, Service: "com.amazonaws." + l.Settings.Region + ".s3",
	})
	if err == nil {
		url, err = l.Endpoint().ServeVPCEndpoint(t.Context(), endpoint.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	return endpoint.ID, url
}

// clientOf is a client of S3 at an address, or the lab's own where it is empty, with one version of TLS, or any where it is 0.
func (l *Lab) clientOf(t *testing.T, key account.Key, url string, version uint16) *s3.Client {
	t.Helper()
	if url == "" {
		url = l.Endpoint().URL()
	}
	ca, err := os.ReadFile(l.Endpoint().CAFile())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, MaxVersion: version}}
	t.Cleanup(transport.CloseIdleConnections)
	return s3.New(s3.Options{
		Region: l.Settings.Region, BaseEndpoint: aws.String(url), Credentials: provide(&key), UsePathStyle: true, RetryMaxAttempts: 1,
		HTTPClient: &http.Client{Transport: transport},
	})
}
