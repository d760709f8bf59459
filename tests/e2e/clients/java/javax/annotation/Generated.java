package javax.annotation;

/** The mark of generated code. It left Java with version 11, and is now in a library that has nothing else for us. */
public @interface Generated {
    String[] value();

    String comments() default "";

    String date() default "";
}
