package account

import (
	"crypto/rand"
	"encoding/json"
	"regexp"
	"strings"

	"cross-account-s3/policy"
)

// AccessPoint is an access point of an S3 bucket, which is open to the internet.
type AccessPoint struct {
	Account string
	Region  string
	Name    string
	// Bucket is the name of the bucket that it leads to.
	Bucket string
	// Alias is the name that S3 gives it, to be used as that of a bucket.
	Alias string
	// PublicAccessBlock is what it blocks, by the names of the settings.
	PublicAccessBlock map[string]bool

	policy string
	ids    map[string]string // the unique ids behind the policy's principals, by ARN
}

// NetworkOrigin is where requests may come from.
const NetworkOrigin = "Internet"

// ARN is the access point's ARN. Objects have /object/ and their key behind it.
func (p *AccessPoint) ARN() string {
	return "arn:aws:s3:" + p.Region + ":" + p.Account + ":accesspoint/" + p.Name
}

// Seen is the ARN by which policies know something of the bucket that is asked for through the access point, which has its own ARN.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html
func (p *AccessPoint) Seen(arn string) string {
	if key, isObject := strings.CutPrefix(arn, (&Bucket{Name: p.Bucket}).ARN()+"/"); isObject {
		return p.ARN() + "/object/" + key
	}
	return p.ARN()
}

// Conditions are the condition keys that a request through the access point has besides its others.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html#access-points-condition-keys
func (p *AccessPoint) Conditions() map[string]any {
	return map[string]any{
		"s3:DataAccessPointArn": p.ARN(), "s3:DataAccessPointAccount": p.Account, "s3:AccessPointNetworkOrigin": NetworkOrigin,
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-restrictions-limitations-naming-rules.html
var accessPointName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$`)

// CreateAccessPoint makes an access point of the account, region, name, bucket and public access block that the given one has.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_CreateAccessPoint.html
func (w *World) CreateAccessPoint(point AccessPoint) (AccessPoint, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	bucket := w.buckets[point.Bucket]
	switch {
	case !accessPointName.MatchString(point.Name) || strings.HasSuffix(point.Name, "-s3alias"):
		return AccessPoint{}, refuse("InvalidAccessPoint", "The specified accesspoint name is not valid: %s", point.Name)
	case bucket == nil:
		return AccessPoint{}, noBucket(point.Bucket)
	case bucket.Account != point.Account || bucket.Region != point.Region:
		return AccessPoint{}, refuse("InvalidRequest", "the lab has access points in the account and region of their bucket alone")
	case w.accessPoints[point.ARN()] != nil:
		return AccessPoint{}, refuse("AccessPointAlreadyOwnedByYou", "The accesspoint %s already exists, and you own it.", point.Name)
	}
	// An alias is as long as a bucket's name can be.
	point.Alias = strings.TrimRight(point.Name[:min(len(point.Name), 20)], "-") + "-" + strings.ToLower(rand.Text()) + "-s3alias"
	point.policy, point.ids = "", nil
	w.accessPoints[point.ARN()] = &point
	return point, nil
}

// AccessPoint is the access point with this ARN.
func (w *World) AccessPoint(arn string) (AccessPoint, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if point := w.accessPoints[arn]; point != nil {
		return *point, nil
	}
	return AccessPoint{}, noAccessPoint(arn)
}

func noAccessPoint(arn string) error {
	return refuse("NoSuchAccessPoint", "The specified accesspoint does not exist: %s", arn)
}

// AccessPointCalled is the access point with this alias.
func (w *World) AccessPointCalled(alias string) (point AccessPoint, known bool) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	for _, point := range w.accessPoints {
		if point.Alias == alias {
			return *point, true
		}
	}
	return AccessPoint{}, false
}

// PutAccessPointPolicy sets the policy of an access point. It refuses what S3 does, as a principal that does not exist, and keeps the
// unique ids of the roles that the policy names.
func (w *World) PutAccessPointPolicy(arn, document string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	point := w.accessPoints[arn]
	if point == nil {
		return noAccessPoint(arn)
	}
	if len(document) > mostBucketPolicy {
		return refuse("MalformedPolicy", "the policy has %d bytes, and that of an access point may have %d", len(document), mostBucketPolicy)
	}
	if _, err := policy.ReadDocument(policy.ResourcePolicy, point.Name, []byte(document)); err != nil {
		return refuse("MalformedPolicy", "%v", err)
	}
	if resource := foreignResource(document, arn); resource != "" {
		return refuse("MalformedPolicy", "Policy has invalid resource: %q is neither the access point %s nor behind it", resource, point.Name)
	}
	ids, err := w.bind(document)
	if err != nil {
		return refuse("MalformedPolicy", "Invalid principal in policy: %v", err)
	}
	point.policy, point.ids = document, ids
	return nil
}

// AccessPointPolicy is the policy of an access point as S3 shows it, with the ids of roles that have been deleted; empty where it has none.
func (w *World) AccessPointPolicy(arn string) (string, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	point := w.accessPoints[arn]
	switch {
	case point == nil:
		return "", noAccessPoint(arn)
	case point.policy == "":
		return "", nil
	}
	return w.render(point.policy, point.ids, func(_, id string) string { return id }), nil
}

// DeleteAccessPoint deletes an access point, with its policy.
func (w *World) DeleteAccessPoint(arn string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.accessPoints[arn] == nil {
		return noAccessPoint(arn)
	}
	delete(w.accessPoints, arn)
	return nil
}

// accessPointPolicy is the policy for the evaluator of the access point that an ARN is, or is behind; nil where it is of none.
func (w *World) accessPointPolicy(arn string) json.RawMessage {
	arn, _, _ = strings.Cut(arn, "/object/")
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	point := w.accessPoints[arn]
	if point == nil || point.policy == "" {
		return nil
	}
	return json.RawMessage(w.render(point.policy, point.ids, deadPrincipal))
}

// accessPointsOf are the names of the access points that lead to a bucket. The world is locked.
func (w *World) accessPointsOf(bucket string) []string {
	var names []string
	for _, point := range w.accessPoints {
		if point.Bucket == bucket {
			names = append(names, point.Name)
		}
	}
	return names
}
