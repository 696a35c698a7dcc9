package trail

import (
	"net/url"
	"regexp"
	"strings"
)

// Access is what a call asks of IAM: an action on a resource.
type Access struct {
	// Action is as s3:GetObject. Of a call of a service that is not known here it is the call's own name.
	Action string
	// Resource is an ARN; empty where the record does not tell it.
	Resource string
	// Within is set where Resource is only what the ARNs of the resources begin with.
	Within bool
}

// Accesses is what a call asks of IAM; an event that is no call asks nothing. What S3 asks of the request's headers is included, as
// s3:PutObjectTagging for an upload with tags; what a service asks in turn of KMS has a record of its own.
func (r *Record) Accesses() []Access {
	switch {
	case r.Type != "" && r.Type != "AwsApiCall" || r.Category == "Insight":
		return nil
	case r.Source == "s3.amazonaws.com":
		return r.s3()
	}
	service := strings.TrimSuffix(strings.TrimSuffix(r.Source, ".cn"), ".amazonaws.com")
	if prefix, other := servicePrefixes[service]; other {
		service = prefix
	}
	var all []Access
	for _, name := range actionsOf(service, r.Name) {
		arns := r.arns()
		if len(arns) == 0 {
			all = append(all, Access{Action: service + ":" + name})
		}
		for _, arn := range arns {
			all = append(all, Access{Action: service + ":" + name, Resource: arn})
		}
	}
	return all
}

// servicePrefixes are the prefixes of actions that differ from the name of the service's host. Each service's page in the service
// authorization reference begins with its prefix.
//
// Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
var servicePrefixes = map[string]string{"monitoring": "cloudwatch", "tagging": "tag", "email": "ses"}

// otherNames are the actions of calls that are named otherwise, by service.
var otherNames = map[string]map[string][]string{
	"kms":    {"ReEncrypt": {"ReEncryptFrom", "ReEncryptTo"}},
	"lambda": {"Invoke": {"InvokeFunction"}, "InvokeAsync": {"InvokeFunction"}, "InvokeWithResponseStream": {"InvokeFunction"}},
	"sns":    {"PublishBatch": {"Publish"}},
	"sqs": {
		"SendMessageBatch": {"SendMessage"}, "DeleteMessageBatch": {"DeleteMessage"},
		"ChangeMessageVisibilityBatch": {"ChangeMessageVisibility"},
	},
}

// apiVersion is what Lambda and CloudFront put behind the names of their calls, as in GetFunction20150331v2.
var apiVersion = regexp.MustCompile(`20\d\d(_?\d\d){2}(v\d+)?$`)

func actionsOf(service, name string) []string {
	if name != "" && name[len(name)-1] >= '0' && name[len(name)-1] <= '9' {
		name = apiVersion.ReplaceAllString(name, "")
	}
	if others := otherNames[service][name]; others != nil {
		return others
	}
	return []string{name}
}

func (r *Record) arns() []string {
	var arns []string
	for _, resource := range r.Resources {
		if resource.ARN != "" {
			arns = append(arns, resource.ARN)
		}
	}
	// A queue is only told by its URL: https://sqs.us-east-1.amazonaws.com/123456789012/queue.
	if at := strings.Split(string(r.Request.QueueURL), "/"); len(arns) == 0 && len(at) == 5 {
		arns = append(arns, "arn:"+r.Partition()+":sqs:"+r.Region+":"+at[3]+":"+at[4])
	}
	return arns
}

// Partition is the partition of the call's region, as aws.
func (r *Record) Partition() string {
	switch {
	case strings.HasPrefix(r.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(r.Region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// objectCalls are S3's calls on objects with the actions they need on the object; those of a version are named otherwise.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var objectCalls = map[string]struct{ action, ofVersion string }{
	"AbortMultipartUpload":    {"AbortMultipartUpload", ""},
	"CompleteMultipartUpload": {"PutObject", ""},
	"CopyObject":              {"PutObject", ""},
	"CreateMultipartUpload":   {"PutObject", ""},
	"DeleteObject":            {"DeleteObject", "DeleteObjectVersion"},
	"DeleteObjectTagging":     {"DeleteObjectTagging", "DeleteObjectVersionTagging"},
	"GetObject":               {"GetObject", "GetObjectVersion"},
	"GetObjectAcl":            {"GetObjectAcl", "GetObjectVersionAcl"},
	"GetObjectAttributes":     {"GetObjectAttributes", "GetObjectVersionAttributes"},
	"GetObjectLegalHold":      {"GetObjectLegalHold", ""},
	"GetObjectRetention":      {"GetObjectRetention", ""},
	"GetObjectTagging":        {"GetObjectTagging", "GetObjectVersionTagging"},
	"GetObjectTorrent":        {"GetObjectTorrent", "GetObjectVersionTorrent"},
	"HeadObject":              {"GetObject", "GetObjectVersion"},
	"ListParts":               {"ListMultipartUploadParts", ""},
	"PostObject":              {"PutObject", ""},
	"PutObject":               {"PutObject", ""},
	"PutObjectAcl":            {"PutObjectAcl", "PutObjectVersionAcl"},
	"PutObjectLegalHold":      {"PutObjectLegalHold", ""},
	"PutObjectRetention":      {"PutObjectRetention", ""},
	"PutObjectTagging":        {"PutObjectTagging", "PutObjectVersionTagging"},
	"RestoreObject":           {"RestoreObject", ""},
	"SelectObjectContent":     {"GetObject", ""},
	"UploadPart":              {"PutObject", ""},
	"UploadPartCopy":          {"PutObject", ""},
}

// bucketCalls are S3's calls on buckets whose action has another name.
var bucketCalls = map[string]string{
	"DeleteBucketAnalyticsConfiguration":          "PutAnalyticsConfiguration",
	"DeleteBucketCors":                            "PutBucketCORS",
	"DeleteBucketEncryption":                      "PutEncryptionConfiguration",
	"DeleteBucketIntelligentTieringConfiguration": "PutIntelligentTieringConfiguration",
	"DeleteBucketInventoryConfiguration":          "PutInventoryConfiguration",
	"DeleteBucketLifecycle":                       "PutLifecycleConfiguration",
	"DeleteBucketMetricsConfiguration":            "PutMetricsConfiguration",
	"DeleteBucketOwnershipControls":               "PutBucketOwnershipControls",
	"DeleteBucketPublicAccessBlock":               "PutBucketPublicAccessBlock",
	"DeleteBucketReplication":                     "PutReplicationConfiguration",
	"DeleteBucketTagging":                         "PutBucketTagging",
	"DeleteAccountPublicAccessBlock":              "PutAccountPublicAccessBlock",
	"DeletePublicAccessBlock":                     "PutBucketPublicAccessBlock",
	"GetBucketAccelerateConfiguration":            "GetAccelerateConfiguration",
	"GetBucketAnalyticsConfiguration":             "GetAnalyticsConfiguration",
	"GetBucketCors":                               "GetBucketCORS",
	"GetBucketEncryption":                         "GetEncryptionConfiguration",
	"GetBucketIntelligentTieringConfiguration":    "GetIntelligentTieringConfiguration",
	"GetBucketInventoryConfiguration":             "GetInventoryConfiguration",
	"GetBucketLifecycle":                          "GetLifecycleConfiguration",
	"GetBucketLifecycleConfiguration":             "GetLifecycleConfiguration",
	"GetBucketMetricsConfiguration":               "GetMetricsConfiguration",
	"GetBucketNotificationConfiguration":          "GetBucketNotification",
	"GetBucketReplication":                        "GetReplicationConfiguration",
	"GetObjectLockConfiguration":                  "GetBucketObjectLockConfiguration",
	"GetPublicAccessBlock":                        "GetBucketPublicAccessBlock",
	"HeadBucket":                                  "ListBucket",
	"ListBucketAnalyticsConfigurations":           "GetAnalyticsConfiguration",
	"ListBucketIntelligentTieringConfigurations":  "GetIntelligentTieringConfiguration",
	"ListBucketInventoryConfigurations":           "GetInventoryConfiguration",
	"ListBucketMetricsConfigurations":             "GetMetricsConfiguration",
	"ListBuckets":                                 "ListAllMyBuckets",
	"ListMultipartUploads":                        "ListBucketMultipartUploads",
	"ListObjectVersions":                          "ListBucketVersions",
	"ListObjects":                                 "ListBucket",
	"ListObjectsV2":                               "ListBucket",
	"PutBucketAccelerateConfiguration":            "PutAccelerateConfiguration",
	"PutBucketAnalyticsConfiguration":             "PutAnalyticsConfiguration",
	"PutBucketCors":                               "PutBucketCORS",
	"PutBucketEncryption":                         "PutEncryptionConfiguration",
	"PutBucketIntelligentTieringConfiguration":    "PutIntelligentTieringConfiguration",
	"PutBucketInventoryConfiguration":             "PutInventoryConfiguration",
	"PutBucketLifecycle":                          "PutLifecycleConfiguration",
	"PutBucketLifecycleConfiguration":             "PutLifecycleConfiguration",
	"PutBucketMetricsConfiguration":               "PutMetricsConfiguration",
	"PutBucketNotificationConfiguration":          "PutBucketNotification",
	"PutBucketReplication":                        "PutReplicationConfiguration",
	"PutObjectLockConfiguration":                  "PutBucketObjectLockConfiguration",
	"PutPublicAccessBlock":                        "PutBucketPublicAccessBlock",
}

// s3 is what a call of S3 asks for.
func (r *Record) s3() []Access {
	bucket := ""
	if r.Request.Bucket != "" {
		bucket = "arn:" + r.Partition() + ":s3:::" + string(r.Request.Bucket)
	}
	if r.Name == "DeleteObjects" { // Which objects, only the records of each of them tell.
		return []Access{{Action: "s3:DeleteObject", Resource: bucket + "/", Within: true}}
	}
	call, onObject := objectCalls[r.Name]
	if !onObject {
		name, renamed := bucketCalls[r.Name]
		if !renamed {
			name = r.Name
		}
		return []Access{{Action: "s3:" + name, Resource: bucket}}
	}
	object := Access{Action: "s3:" + call.action, Resource: bucket + "/" + string(r.Request.Key)}
	if bucket == "" {
		object.Resource = ""
	}
	if r.Request.VersionID != "" && call.ofVersion != "" {
		object.Action = "s3:" + call.ofVersion
	}
	all := []Access{object}
	also := func(needed bool, action string) {
		if needed {
			all = append(all, Access{Action: action, Resource: object.Resource})
		}
	}
	switch r.Name {
	case "GetObjectAttributes":
		if object.Action == "s3:GetObjectVersionAttributes" {
			also(true, "s3:GetObjectVersion")
		} else {
			also(true, "s3:GetObject")
		}
	case "CopyObject", "UploadPartCopy":
		if source, of, known := copied(string(r.Request.CopySource)); known {
			all = append(all, Access{Action: of, Resource: "arn:" + r.Partition() + ":s3:::" + source})
		} else {
			all = append(all, Access{Action: "s3:GetObject"})
		}
	}
	switch r.Name {
	case "CopyObject", "CreateMultipartUpload", "PutObject":
		also(r.Request.ACL != "", "s3:PutObjectAcl")
		also(r.Request.Tagging != "", "s3:PutObjectTagging")
		also(r.Request.LockMode != "", "s3:PutObjectRetention")
		also(r.Request.LegalHold != "", "s3:PutObjectLegalHold")
	}
	return all
}

// copied reads the source of a copy, /bucket/key?versionId=…, whose key is escaped as in a URL.
func copied(source string) (path, action string, known bool) {
	source, version, ofVersion := strings.Cut(strings.TrimPrefix(source, "/"), "?versionId=")
	path, err := url.PathUnescape(source)
	if err != nil || !strings.Contains(path, "/") || strings.HasPrefix(path, "arn:") {
		return "", "", false
	}
	if ofVersion && version != "" {
		return path, "s3:GetObjectVersion", true
	}
	return path, "s3:GetObject", true
}

// Outcome is how a call ended.
type Outcome int

const (
	// Granted: IAM let the call through, whether or not it then found what it asked for.
	Granted Outcome = iota
	// Denied: IAM refused the call.
	Denied
	// Failed: the call failed for another reason, and the record does not tell whether IAM would have let it through.
	Failed
)

// Outcome is how the call ended, by its error code. What was not there (NoSuchKey…) or not as expected (PreconditionFailed…) a service only
// says to whom it lets look: S3 answers AccessDenied to all others.
func (r *Record) Outcome() Outcome {
	code := strings.TrimPrefix(strings.TrimPrefix(r.ErrorCode, "Client."), "KMS.")
	switch code {
	case "":
		return Granted
	case "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "Forbidden",
		"NotAuthorized", "UnauthorizedAccess", "UnauthorizedException", "UnauthorizedOperation":
		return Denied
	case "NoSuchKey", "NoSuchVersion", "NoSuchUpload", "NotModified", "PreconditionFailed", "InvalidRange":
		return Granted
	}
	return Failed
}

// refusal is AWS's own sentence about a call that it denied.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var refusal = regexp.MustCompile(
	`is not authorized to perform: ([A-Za-z0-9-]+:[A-Za-z0-9]+)(?: on resource: "?(arn:[^"]*?)"?)?(?: (?:because|with an) (.*))?$`)

// Refusal is what AWS itself said of a call that it denied: what was refused (its action is empty where that is not told), and why.
func (r *Record) Refusal() (refused Access, because string) {
	found := refusal.FindStringSubmatch(r.ErrorMessage)
	if found == nil {
		return Access{}, ""
	}
	return Access{Action: found[1], Resource: found[2]}, found[3]
}
