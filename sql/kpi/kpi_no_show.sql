-- No-show rate by span and site of the booking. Numerator: bookings with status noshow; denominator: those and fulfilled
-- ones, by the day of their start. Cancelled bookings, those moved to another day among them, count in excluded only.
-- No row where no booking was due: no source sends appointments, or none fell into the span.
-- needs: appointments, kpi_span
WITH due AS (
    SELECT s.span, s.month, a.site, a.status
    FROM appointments AS a
    JOIN kpi_span AS s ON a.start_on >= s.from_on AND a.start_on <= s.to_on
    WHERE a.status IN ('fulfilled', 'noshow', 'cancelled')
), placed AS (
    SELECT d.span, d.month, '' AS site, d.status
    FROM due AS d
    UNION ALL
    SELECT d.span, d.month, d.site, d.status
    FROM due AS d
    WHERE d.site IS NOT NULL
)
SELECT 'no_show_rate' AS kpi, p.span, p.month, p.site,
    CAST(count(*) FILTER (WHERE p.status = 'noshow') AS DECIMAL(20,4)) AS numerator,
    CAST(count(*) FILTER (WHERE p.status IN ('fulfilled', 'noshow')) AS DECIMAL(20,4)) AS denominator,
    CAST(count(*) FILTER (WHERE p.status = 'cancelled') AS BIGINT) AS excluded
FROM placed AS p
GROUP BY p.span, p.month, p.site
HAVING count(*) FILTER (WHERE p.status IN ('fulfilled', 'noshow')) > 0
