import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.xml.namespace.QName;
import org.apache.poi.openxml4j.opc.OPCPackage;
import org.apache.poi.openxml4j.opc.PackageAccess;
import org.apache.poi.openxml4j.opc.PackagePart;
import org.apache.poi.openxml4j.opc.internal.PackagePropertiesPart;
import org.apache.poi.ss.usermodel.Cell;
import org.apache.poi.ss.usermodel.CellType;
import org.apache.poi.ss.usermodel.CellValue;
import org.apache.poi.ss.usermodel.FormulaEvaluator;
import org.apache.poi.ss.usermodel.Row;
import org.apache.poi.ss.usermodel.Sheet;
import org.apache.poi.xssf.usermodel.XSSFWorkbook;
import org.apache.xmlbeans.XmlCursor;
import org.apache.xmlbeans.XmlError;
import org.apache.xmlbeans.XmlException;
import org.apache.xmlbeans.XmlObject;
import org.apache.xmlbeans.XmlOptions;
import org.openxmlformats.schemas.drawingml.x2006.chart.ChartSpaceDocument;
import org.openxmlformats.schemas.drawingml.x2006.main.ThemeDocument;
import org.openxmlformats.schemas.drawingml.x2006.spreadsheetDrawing.WsDrDocument;
import org.openxmlformats.schemas.officeDocument.x2006.extendedProperties.PropertiesDocument;
import org.openxmlformats.schemas.spreadsheetml.x2006.main.SstDocument;
import org.openxmlformats.schemas.spreadsheetml.x2006.main.StyleSheetDocument;
import org.openxmlformats.schemas.spreadsheetml.x2006.main.TableDocument;
import org.openxmlformats.schemas.spreadsheetml.x2006.main.WorkbookDocument;
import org.openxmlformats.schemas.spreadsheetml.x2006.main.WorksheetDocument;

/**
 * Judges workbooks: every part must follow the ECMA-376 schemas, and every formula, worked out anew, must give the value
 * that stands beside it. Exit code 0 when nothing is found.
 */
public final class Check {
    private static final String COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006";
    private static final double TOLERANCE = 1e-9;

    /** Reads the bytes of a part as a document of one schema. */
    private interface Reader {
        XmlObject read(InputStream in, XmlOptions how) throws XmlException, IOException;
    }

    /** The schema of each content type, by the end of its name. */
    private static final Map<String, Reader> SCHEMAS = Map.of(
        "spreadsheetml.sheet.main+xml", WorkbookDocument.Factory::parse,
        "spreadsheetml.worksheet+xml", WorksheetDocument.Factory::parse,
        "spreadsheetml.styles+xml", StyleSheetDocument.Factory::parse,
        "spreadsheetml.sharedStrings+xml", SstDocument.Factory::parse,
        "spreadsheetml.table+xml", TableDocument.Factory::parse,
        "drawingml.chart+xml", ChartSpaceDocument.Factory::parse,
        "officedocument.drawing+xml", WsDrDocument.Factory::parse,
        "officedocument.theme+xml", ThemeDocument.Factory::parse,
        "extended-properties+xml", PropertiesDocument.Factory::parse);

    private final String file;
    private int findings;
    private int parts;
    private int formulas;
    private int charts;
    private int tables;

    private Check(String file) {
        this.file = file;
    }

    private void finding(String where, String what) {
        findings++;
        System.out.println(file + " " + where + ": " + what);
    }

    private void schemas() throws Exception {
        try (OPCPackage book = OPCPackage.open(new File(file), PackageAccess.READ)) {
            for (PackagePart part : book.getParts()) {
                if (!part.isRelationshipPart() && !(part instanceof PackagePropertiesPart)) {
                    schema(part);
                }
            }
        }
    }

    private void schema(PackagePart part) throws IOException {
        String name = part.getPartName().getName();
        Reader reader = null;
        for (Map.Entry<String, Reader> e : SCHEMAS.entrySet()) {
            if (part.getContentType().endsWith(e.getKey())) {
                reader = e.getValue();
            }
        }
        if (reader == null) {
            finding(name, "no schema for " + part.getContentType());
            return;
        }
        parts++;
        try (InputStream in = part.getInputStream()) {
            XmlObject document = reader.read(in, new XmlOptions().setLoadLineNumbers());
            dropIgnorable(document);
            List<XmlError> errors = new ArrayList<>();
            document.validate(new XmlOptions().setErrorListener(errors));
            for (XmlError error : errors) {
                finding(name + " line " + error.getLine(), error.getMessage());
            }
        } catch (XmlException e) {
            finding(name, "cannot be read: " + e.getMessage());
        }
    }

    /** Removes what the part itself declares ignorable, as every reader must before it looks at the rest. */
    private static void dropIgnorable(XmlObject document) {
        Set<String> spaces = new HashSet<>(List.of(COMPATIBILITY));
        try (XmlCursor at = document.newCursor()) {
            at.toFirstChild();
            String prefixes = at.getAttributeText(new QName(COMPATIBILITY, "Ignorable"));
            if (prefixes != null) {
                for (String prefix : prefixes.trim().split("\\s+")) {
                    String space = at.namespaceForPrefix(prefix);
                    if (space != null) {
                        spaces.add(space);
                    }
                }
            }
        }
        try (XmlCursor at = document.newCursor()) {
            while (at.hasNextToken()) {
                if ((at.isStart() || at.isAttr()) && spaces.contains(at.getName().getNamespaceURI())) {
                    at.removeXml();
                } else {
                    at.toNextToken();
                }
            }
        }
    }

    /** Works every formula out and holds it against the value in the file. Read-only: opening for writing rewrites the file. */
    private void formulas() throws Exception {
        try (OPCPackage pack = OPCPackage.open(new File(file), PackageAccess.READ); XSSFWorkbook book = new XSSFWorkbook(pack)) {
            FormulaEvaluator evaluator = book.getCreationHelper().createFormulaEvaluator();
            for (Sheet sheet : book) {
                for (Row row : sheet) {
                    for (Cell cell : row) {
                        if (cell.getCellType() == CellType.FORMULA) {
                            formula(evaluator, sheet, cell);
                        }
                    }
                }
                var drawing = book.getSheet(sheet.getSheetName()).getDrawingPatriarch();
                charts += drawing == null ? 0 : drawing.getCharts().size();
                tables += book.getSheet(sheet.getSheetName()).getTables().size();
            }
        }
    }

    private void formula(FormulaEvaluator evaluator, Sheet sheet, Cell cell) {
        formulas++;
        String where = sheet.getSheetName() + "!" + cell.getAddress();
        CellValue now;
        try {
            now = evaluator.evaluate(cell);
        } catch (RuntimeException e) {
            finding(where, "cannot be worked out: " + e);
            return;
        }
        boolean same;
        if (cell.getCachedFormulaResultType() == CellType.NUMERIC) {
            double kept = cell.getNumericCellValue();
            same = now.getCellType() == CellType.NUMERIC
                && Math.abs(now.getNumberValue() - kept) <= TOLERANCE * Math.max(1, Math.abs(kept));
        } else {
            same = now.getCellType() == CellType.STRING && now.getStringValue().equals(cell.getStringCellValue());
        }
        if (!same) {
            finding(where, "=" + cell.getCellFormula() + " gives " + now.formatAsString() + ", the file says otherwise");
        }
    }

    public static void main(String[] files) {
        int total = 0;
        for (String file : files) {
            Check check = new Check(file);
            try {
                check.schemas();
                check.formulas();
            } catch (Exception e) {
                check.finding("file", "cannot be opened: " + e);
            }
            System.out.println(new TreeMap<>(Map.of("charts", check.charts, "findings", check.findings, "formulas", check.formulas,
                "parts", check.parts, "tables", check.tables)) + " " + file);
            total += check.findings;
        }
        System.exit(total == 0 ? 0 : 1);
    }
}
