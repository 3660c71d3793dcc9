-- Net collection rate by span and billing site, by day of service. Numerator: payments on the claims; denominator: their
-- charges less contractual adjustments (the adjustment itself, else charges less what the contract allows, else nothing).
-- Claims without any word on payment count in excluded only; without such a word on any claim of the span there is no row.
-- needs: claims, kpi_span
WITH billed AS (
    SELECT c.service_on, c.site, c.paid, c.billed - coalesce(c.adjustment, c.billed - c.allowed, 0) AS net
    FROM claims AS c
    WHERE c.billed IS NOT NULL
), placed AS (
    SELECT s.span, s.month, '' AS site, b.paid, b.net
    FROM billed AS b
    JOIN kpi_span AS s ON b.service_on >= s.from_on AND b.service_on <= s.to_on
    UNION ALL
    SELECT s.span, s.month, b.site, b.paid, b.net
    FROM billed AS b
    JOIN kpi_span AS s ON b.service_on >= s.from_on AND b.service_on <= s.to_on
    WHERE b.site IS NOT NULL
)
SELECT 'net_collection' AS kpi, p.span, p.month, p.site,
    CAST(sum(p.paid) AS DECIMAL(20,4)) AS numerator,
    CAST(sum(p.net) FILTER (WHERE p.paid IS NOT NULL) AS DECIMAL(20,4)) AS denominator,
    CAST(count(*) FILTER (WHERE p.paid IS NULL) AS BIGINT) AS excluded
FROM placed AS p
GROUP BY p.span, p.month, p.site
HAVING count(p.paid) > 0
